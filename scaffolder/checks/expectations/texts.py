"""What a text must be: an output, a file, a member of an archive."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.expectations.draws import is_reference
from scaffolder.checks.expectations.patterns import (
    SlowPatternError,
    is_found,
    refuse_bad_pattern,
)
from scaffolder.checks.json_values import JsonExpectation
from scaffolder.core.lines import split_lines

_SHOWN = 120
_LINES_SHOWN = 5
Words = Annotated[str, Meta(min_length=1)]
# From the first to the last; no last one is as many as there are.
# Bounds are looked at below: msgspec 0.22 takes those of a number beside a pair for the pair's.
CountRange = int | str | tuple[int | str, int | str | None]
# Reads a file of the lab's `fixtures/`.
ReadFixture = Callable[[str], bytes]


class FixtureFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the lab's own folder `fixtures/`."""

    file: Annotated[str, Meta(pattern=r"^fixtures/.")]


@dataclass(frozen=True)
class TextMiss:
    """A text that is not as expected; `words` go on after its name, `diff` are lines to show."""

    words: str
    expected: str
    actual: str
    diff: tuple[str, ...] = ()


class TextExpectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a text must be.

    `equals` the whole of it, but for newlines at its end; a text or {file: fixtures/...}.
    `contains` and `lacks` are parts, one or a list. `matches` is a regular expression that must be
    found, `^` and `$` at each line. `lines` is how many, or [from, to]. `json` is what it must hold
    as JSON: {has: ..., where: {JMESPath: value}}. `empty` is true or false.
    """

    equals: str | FixtureFile | UnsetType = UNSET
    contains: Words | tuple[Words, ...] = ()
    lacks: Words | tuple[Words, ...] = ()
    matches: Words | UnsetType = UNSET
    lines: CountRange | UnsetType = UNSET
    json: JsonExpectation | UnsetType = UNSET
    empty: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse what is no pattern, and a range in which nothing lies."""
        if isinstance(self.matches, str) and "${" not in self.matches:
            refuse_bad_pattern(self.matches)
        refuse_bad_range("lines", self.lines)

    @property
    def asks(self) -> bool:
        """Whether it expects anything."""
        asked = (self.equals, self.matches, self.lines, self.json, self.empty)
        return bool(self.contains or self.lacks) or any(one is not UNSET for one in asked)

    def find_misses(self, content: bytes, read_fixture: ReadFixture) -> Iterator[TextMiss]:
        """Yield in what a text is not as expected."""
        text = content.decode("utf-8", "replace")
        if not isinstance(self.equals, UnsetType):
            yield from _compare(self._read_equal(read_fixture), text)
        for part in list_texts(self.contains):
            if part not in text:
                yield TextMiss(f"does not hold {part!r}", repr(part), _begin(text))
        for part in list_texts(self.lacks):
            if part in text:
                line = text.count("\n", 0, text.index(part)) + 1
                shown = _shorten(text.split("\n")[line - 1])
                yield TextMiss(f"holds {part!r} in line {line}", f"nothing like {part!r}", shown)
        if isinstance(self.matches, str):
            yield from _look_for(self.matches, text)
        yield from self._count(text)
        if isinstance(self.json, JsonExpectation):
            yield from _ask_json(self.json, text)

    def _read_equal(self, read_fixture: ReadFixture) -> str:
        if isinstance(self.equals, FixtureFile):
            return read_fixture(self.equals.file).decode("utf-8", "replace")
        return str(self.equals)

    def _count(self, text: str) -> Iterator[TextMiss]:
        if self.empty is True and text.strip():
            yield TextMiss("is not empty", "nothing", _begin(text))
        if self.empty is False and not text.strip():
            yield TextMiss("is empty", "something", "nothing")
        if not isinstance(self.lines, UnsetType):
            count = len(split_lines(text))
            if not is_in_range(self.lines, count):
                wanted = f"{show_range(self.lines)} lines"
                yield TextMiss(
                    f"has {count} lines, and not {show_range(self.lines)}", wanted, _begin(text)
                )


class OutputExpectation(TextExpectation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a program must print."""

    def __post_init__(self) -> None:
        """Refuse an expectation that nothing can miss."""
        TextExpectation.__post_init__(self)
        if not self.asks:
            raise ValueError(f"say one of {', '.join(self.__struct_fields__)}")


def list_texts(said: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the texts that one or several are."""
    return (said,) if isinstance(said, str) else said


def refuse_bad_range(name: str, said: CountRange | UnsetType) -> None:
    """Raise ValueError for what is no count, a range in which nothing lies, or everything."""
    if isinstance(said, UnsetType):
        return
    first, last = said if isinstance(said, tuple) else (said, said)
    for one in (first, last):
        if isinstance(one, str) and not (one.isdigit() or is_reference(one)):
            raise ValueError(f"`{name}` is a number or the name of one, and not {one!r}")
        if isinstance(one, int) and one < 0:
            raise ValueError(f"`{name}` is no number below 0")
    if isinstance(first, int) and isinstance(last, int) and first > last:
        raise ValueError(f"`{name}` goes from the smaller to the larger number")
    if first == 0 and last is None:
        raise ValueError(f"`{name}` from 0 on is every number, so nothing can miss it")


def is_in_range(said: CountRange, count: int) -> bool:
    """Whether a number is the expected one, or in the range; both may be texts of digits."""
    if isinstance(said, tuple):
        first, last = said
        return int(first) <= count and (last is None or count <= int(last))
    return count == int(said)


def show_range(said: CountRange) -> str:
    if isinstance(said, tuple):
        first, last = said
        return f"{first} or more" if last is None else f"{first} to {last}"
    return str(said)


def _compare(expected: str, text: str) -> Iterator[TextMiss]:
    wanted, found = expected.rstrip("\n"), text.rstrip("\n")
    if wanted != found:
        diff = show_diff(wanted, found)
        yield TextMiss("is another text", _begin(wanted), _begin(found), diff)


def show_diff(expected: str, actual: str) -> tuple[str, ...]:
    """Return a few lines that show where two texts begin to differ: - expected, + actual."""
    wanted, found = expected.split("\n"), actual.split("\n")
    pairs = zip(wanted, found, strict=False)
    at = next(
        (number for number, (one, other) in enumerate(pairs) if one != other),
        min(len(wanted), len(found)),
    )
    begin = max(0, at - 1)
    # What follows is not compared: a text of a learner's may be long.
    parts = [
        [_shorten(line) for line in lines[begin : at + _LINES_SHOWN]] for lines in (wanted, found)
    ]
    lines = list(difflib.unified_diff(parts[0], parts[1], n=1, lineterm=""))[3:]
    if not lines:
        return ()
    return (f"line {at + 1}, - expected, + printed:", *lines)


def _look_for(pattern: str, text: str) -> Iterator[TextMiss]:
    try:
        if is_found(pattern, text):
            return
    except SlowPatternError:
        yield TextMiss(
            f"is a text in which {pattern} cannot be found in bounded time",
            f"a match of {pattern}",
            _begin(text),
        )
        return
    yield TextMiss(f"does not match {pattern}", f"a match of {pattern}", _begin(text))


def _ask_json(expected: JsonExpectation, text: str) -> Iterator[TextMiss]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        value = json.loads(text, parse_constant=refuse)
    except RecursionError:
        yield TextMiss("is nested too deeply for JSON", "JSON", _begin(text))
        return
    except ValueError as error:
        yield TextMiss(f"is no JSON: {error}", "JSON", _begin(text))
        return
    for miss in expected.list_misses(value):
        yield TextMiss(f"holds other JSON: {miss.words}", miss.expected, miss.actual)


def _begin(text: str) -> str:
    """Return the beginning of a text as one line."""
    if not text.strip():
        return "nothing"
    return _shorten(" ⏎ ".join(text.strip("\n").split("\n", _LINES_SHOWN)[:_LINES_SHOWN]))


def _shorten(line: str) -> str:
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
