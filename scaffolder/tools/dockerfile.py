"""Dockerfiles as far as line numbers need it: where each instruction begins and ends.

This is no validator. What an instruction means is for the builder to say; its message names the
instruction, and here one finds the line that the learner has to look at.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scaffolder.core.lines import split_lines

# https://docs.docker.com/reference/dockerfile/#here-documents; `<<<` is the shell's own.
HEREDOC = re.compile(
    r"(?<!<)<<(?P<dash>-?)(?P<quote>[\"']?)(?P<escaped>\\?)(?P<word>[A-Za-z_]\w*)(?P=quote)"
)
_WITH_HEREDOC = ("RUN", "COPY", "ADD")
_COPIED_FROM = re.compile(
    r"(?:\s--(?:mount=)?|,)from=(?P<image>[^\s,$]*[^\s,$\d][^\s,$]*)(?=[\s,])"
)
_ARGUMENT = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\})")
_ESCAPE = re.compile(
    r"\A(?:#[ \t]*[a-z][a-z0-9]*[ \t]*=.*\n)*#[ \t]*escape[ \t]*=[ \t]*(?P<sign>[\\`])",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Instruction:
    """One instruction: its first and last line, counted from 1, and its lines joined to one.

    `here_document` tells whether its last lines are one.
    """

    line: int
    last_line: int
    text: str
    here_document: bool = False

    @property
    def keyword(self) -> str:
        """The word that it begins with, in capitals; "" for a continuation of nothing."""
        return next(iter(self.text.split(maxsplit=1)), "").upper()

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags behind the keyword, such as `--from=build`, without quotes and escapes."""
        words = itertools.takewhile(lambda word: word.startswith("--"), self._words)
        return tuple(re.sub(r"[\"'\\`]", "", word) for word in words)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows the flags, word by word."""
        return tuple(itertools.dropwhile(lambda word: word.startswith("--"), self._words))

    @property
    def _words(self) -> list[str]:
        return self.text.split()[1:]


@dataclass(frozen=True)
class _Reading:
    """How a builder reads lines: its sign of continuation, and where versions of it differ.

    `doubled` tells whether a doubled sign at the end of a line continues it too, `indented` whether
    a comment within an instruction may be indented, `here_documents` whether it knows these.
    """

    escape: str = "\\"
    doubled: bool = False
    indented: bool = True
    here_documents: bool = True

    def continues(self, line: str) -> bool:
        """Whether the next line belongs to the same instruction."""
        plain = line.rstrip(" \t")
        return plain.endswith(self.escape) and (self.doubled or not plain.endswith(2 * self.escape))

    def is_comment(self, line: str) -> bool:
        """Whether a line within an instruction is a comment."""
        return (line.lstrip() if self.indented else line).startswith("#")


def parse_list_form(arguments: str) -> list[Any] | None:
    """Return the words of arguments that are a list in JSON, None for those of the other form."""
    try:
        words = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) else None


def parse_instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile's text in their order, comments left out."""
    return _read(text, _told(text))


@functools.lru_cache(maxsize=4)
def list_readings(text: str) -> tuple[tuple[Instruction, ...], ...]:
    """Return the instructions as each version of a builder may read them; mostly there is one way.

    Who has to know what a Dockerfile does not ask for has to look at all of them.
    """
    told = _told(text)
    other = "`" if told.escape == "\\" else "\\"
    readings = [told]
    if re.search(rf"{re.escape(other)}[ \t\r]*$", text, re.MULTILINE):
        readings.append(replace(told, escape=other))
    if re.search(r"(?:\\\\|``)[ \t\r]*$", text, re.MULTILINE):
        readings += [replace(one, doubled=True) for one in readings]
    if re.search(r"^\s+#", text, re.MULTILINE):
        readings += [replace(one, indented=False) for one in readings]
    if "<<" in text:
        readings += [replace(one, here_documents=False) for one in readings]
    return tuple(tuple(_read(text, reading)) for reading in readings)


def _told(text: str) -> _Reading:
    found = _ESCAPE.match(text.removeprefix("\ufeff"))
    return _Reading(escape=found["sign"] if found else "\\")


def _read(text: str, reading: _Reading) -> list[Instruction]:
    # A builder takes one carriage return with the newline.
    lines = [line.removesuffix("\r") for line in split_lines(text.removeprefix("\ufeff"))]
    ends = _Ends(lines)
    result: list[Instruction] = []
    at = 0
    while at < len(lines):
        if not _says_something(lines[at]):
            at += 1
            continue
        joined, end = _joined(lines, at, reading)
        last = ends.after(joined, end) if reading.here_documents else end
        result.append(Instruction(at + 1, last, joined, here_document=last > end))
        at = last
    return result


def find_line(text: str, instruction: str) -> int | None:
    """Return the line of the one instruction that a builder calls `instruction`.

    None where there is no such instruction, or more than one: a wrong line is worse than none.
    """
    wanted = _squeezed(instruction)
    lines = [one.line for one in parse_instructions(text) if _squeezed(one.text) == wanted]
    return lines[0] if len(lines) == 1 else None


def list_bases(text: str) -> tuple[str, ...]:
    """Return the names of the images that a Dockerfile builds on or copies from, each once.

    Stages of its own and `scratch` are none. A name that a build argument without a default decides
    about cannot be told, and is left out.
    """
    arguments: dict[str, str] = {}
    stages = {"scratch"}
    found: dict[str, None] = {}
    for instruction in parse_instructions(text):
        words = [word for word in instruction.arguments if not word.startswith("--")]
        if instruction.keyword == "ARG" and not found and words:
            name, _, default = words[0].partition("=")
            arguments[name] = default.strip("\"'")
        elif instruction.keyword == "FROM" and words:
            name = _substituted(words[0], arguments)
            if name.lower() not in stages and "$" not in name and name:
                found[name] = None
            if len(words) == 3:
                stages.add(words[2].lower())
        else:
            copied = [one["image"] for one in _COPIED_FROM.finditer(instruction.text)]
            found |= dict.fromkeys(one for one in copied if one.lower() not in stages)
    return tuple(found)


def _substituted(name: str, arguments: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        argument = found["plain"] or found["braced"]
        return arguments.get(argument) or found["default"] or found[0]

    return _ARGUMENT.sub(value, name)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _joined(lines: Sequence[str], at: int, reading: _Reading) -> tuple[str, int]:
    """Return the instruction that begins at index `at` as one line, and its last line's number.

    As a builder joins them: with nothing between them, so that a word may go on in the next line.
    """
    parts: list[str] = []
    for number in range(at, len(lines)):
        line = lines[number]
        if parts and (reading.is_comment(line) or not line.strip()):
            continue
        if not reading.continues(line):
            return "".join([*parts, line]).strip(), number + 1
        parts.append(line.rstrip(" \t").removesuffix(reading.escape))
    return "".join(parts).strip(), len(lines)


class _Ends:
    """Where here-documents may end: the numbers of the lines that say nothing but a word."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._at: dict[str, list[int]] | None = None
        self._indented: dict[str, list[int]] = {}

    def after(self, instruction: str, end: int) -> int:
        """Return the number of the last line of the here-documents that the instruction begins."""
        if not instruction.upper().startswith(_WITH_HEREDOC):
            return end
        for heredoc in HEREDOC.finditer(instruction):
            numbers = self._index(dashed=bool(heredoc["dash"])).get(heredoc["word"], [])
            found = bisect.bisect_left(numbers, end + 1)
            end = numbers[found] if found < len(numbers) else end
        return end

    def _index(self, *, dashed: bool) -> dict[str, list[int]]:
        if self._at is None:
            self._at = {}
            for number, line in enumerate(self._lines, 1):
                self._at.setdefault(line, []).append(number)
                self._indented.setdefault(line.lstrip("\t"), []).append(number)
        return self._indented if dashed else self._at


def _squeezed(text: str) -> str:
    return " ".join(text.split())
