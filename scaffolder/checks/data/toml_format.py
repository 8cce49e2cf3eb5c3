"""TOML with the line of each part: Python's reader decides what is TOML, a scan where it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scaffolder.checks.data.places import DataDocument, DataError, Keys
from scaffolder.checks.data.yaml_format import make_scalar
from scaffolder.core.json_text import is_too_deep

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|\n|\[\[|\]\]|[\[\]{},=.]"
    r"|[^\s\[\]{},=.\"'#]+",
    re.DOTALL,
)
# The time that Python's reader takes grows with the square of a dotted key's parts.
_MOST_DOTS = 1000
_QUOTES = "\"'"
_TWICE = ("overwrite", "twice", "Duplicate", "immutable")
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)")


def read_toml(text: str) -> tuple[DataDocument, ...]:
    """Return the one document of a text; raises DataError, also for a key that stands twice."""
    text = text.replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > _MOST_DOTS:
            raise DataError(f"has more than {_MOST_DOTS} dots in a line, as no key has", number)
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise DataError("is nested too deeply") from error
    except ValueError as error:
        raise _explain(str(error), text) from error
    if is_too_deep(data):
        raise DataError("is nested too deeply")
    lines: dict[Keys, int] = {(): 1}
    _Scan(text, lines).run()
    return (DataDocument(_make_plain(data), lines),)


def _explain(said: str, text: str) -> DataError:
    found = _PLACE.search(said)
    line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
    twice = any(words in said for words in ("overwrite", "twice", "Duplicate", "immutable"))
    return DataError(
        f"is no TOML: {_PLACE.sub('', said)}", line, "key-twice" if twice else "syntax"
    )


def _make_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _make_plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_make_plain(part) for part in value]
    return make_scalar(value)


@dataclass(frozen=True)
class _Token:
    text: str
    line: int


class _Scan:
    """Notes where the parts of a text that is TOML stand."""

    def __init__(self, text: str, lines: dict[Keys, int]) -> None:
        self._tokens = list(_list_tokens(text))
        self._at = 0
        self._lines = lines
        self._table: Keys = ()
        # How many tables of an array have begun, by the array's place.
        self._counts: dict[Keys, int] = {}

    def run(self) -> None:
        while (token := self._peek()) is not None:
            if token.text == "\n":
                self._at += 1
            elif token.text in ("[", "[["):
                self._header()
            else:
                self._pair(self._table)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _header(self) -> None:
        opening = self._next()
        names = self._key()
        self._next()
        place: Keys = ()
        for name in names[:-1]:
            place = self._enter((*place, name))
            self._lines.setdefault(place, opening.line)
        place = (*place, names[-1])
        if opening.text == "[[":
            self._lines.setdefault(place, opening.line)
            self._counts[place] = self._counts.get(place, -1) + 1
            place = (*place, self._counts[place])
        # Where only tables in it were named before, this line says more.
        self._lines[place] = opening.line
        self._table = place

    def _enter(self, place: Keys) -> Keys:
        """Return the place itself, or of an array of tables the last of them."""
        return (*place, self._counts[place]) if place in self._counts else place

    def _key(self) -> list[str]:
        names = [_read_name(self._next().text)]
        while (token := self._peek()) is not None and token.text == ".":
            self._at += 1
            names.append(_read_name(self._next().text))
        return names

    def _pair(self, around: Keys) -> None:
        line = self._tokens[self._at].line
        place = around
        for name in self._key():
            place = (*place, name)
            self._lines.setdefault(place, line)
        self._next()
        self._value(place)

    def _value(self, place: Keys) -> None:
        token = self._next()
        self._lines.setdefault(place, token.line)
        if token.text == "[":
            self._array(place)
        elif token.text == "{":
            self._inline_table(place)
        elif token.text == "[[":
            # Two lists begin: outside of a header they are no sign of their own.
            self._split_brackets("[")
            self._array(place)
        else:
            self._skip_scalar()

    def _skip_scalar(self) -> None:
        """Pass what is left of a number or a date: `.5`, ` 07:32:00`."""
        while (token := self._peek()) is not None and token.text not in ("\n", ",", "]", "]]", "}"):
            self._at += 1

    def _split_brackets(self, bracket: str) -> None:
        """Put the second bracket of two back."""
        self._at -= 1
        self._tokens[self._at] = _Token(bracket, self._tokens[self._at].line)

    def _array(self, place: Keys) -> None:
        index = 0
        while (token := self._peek()) is not None:
            if token.text == "]]":
                self._at += 1
                self._split_brackets("]")
                return
            if token.text in ("\n", ",", "]"):
                self._at += 1
                if token.text == "]":
                    return
            else:
                self._value((*place, index))
                index += 1

    def _inline_table(self, place: Keys) -> None:
        while (token := self._peek()) is not None:
            if token.text in ("\n", ",", "}"):
                self._at += 1
                if token.text == "}":
                    return
            else:
                self._pair(place)


def _list_tokens(text: str) -> Iterator[_Token]:
    """Yield the tokens without comments; a newline is one."""
    line, at = 1, 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        if not found[0].startswith("#"):
            yield _Token(found[0], line)


def _read_name(token: str) -> str:
    """Return a key's part without its quotes and escapes."""
    if token[:1] not in _QUOTES:
        return token
    value: str = tomllib.loads(f"x = {token}")["x"]
    return value
