"""Dockerfiles as far as line numbers need it: where each instruction begins and ends.

This is no validator. What an instruction means is for the builder to say; its message names the
instruction, and here one finds the line that the learner has to look at.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scaffolder.lines import lines_of

# https://docs.docker.com/reference/dockerfile/#here-documents; `<<<` is the shell's own.
HEREDOC = re.compile(
    r"(?<!<)<<(?P<dash>-?)(?P<quote>[\"']?)(?P<escaped>\\?)(?P<word>[A-Za-z_]\w*)(?P=quote)"
)
_WITH_HEREDOC = ("RUN", "COPY", "ADD")
_COPIED_FROM = re.compile(
    r"(?:\s--(?:mount=)?|,)from=(?P<image>[^\s,$]*[^\s,$\d][^\s,$]*)(?=[\s,])"
)
_ARGUMENT = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\})")
_ESCAPE = re.compile(r"\A(?:#\s*\w+\s*=.*\n)*#\s*escape\s*=\s*(?P<sign>[\\`])", re.IGNORECASE)


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


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile's text in their order, comments left out."""
    text = text.removeprefix("\ufeff")
    escape = found["sign"] if (found := _ESCAPE.match(text)) else "\\"
    lines = lines_of(text)
    result: list[Instruction] = []
    at = 0
    while at < len(lines):
        if not _says_something(lines[at]):
            at += 1
            continue
        joined, end = _joined(lines, at, escape)
        last = _end_of_heredocs(lines, joined, end)
        result.append(Instruction(at + 1, last, joined, here_document=last > end))
        at = last
    return result


def line_of(text: str, instruction: str) -> int | None:
    """Return the line of the one instruction that a builder calls `instruction`.

    None where there is no such instruction, or more than one: a wrong line is worse than none.
    """
    wanted = _squeezed(instruction)
    lines = [one.line for one in instructions(text) if _squeezed(one.text) == wanted]
    return lines[0] if len(lines) == 1 else None


def bases(text: str) -> tuple[str, ...]:
    """Return the names of the images that a Dockerfile builds on or copies from, each once.

    Stages of its own and `scratch` are none. A name that a build argument without a default decides
    about cannot be told, and is left out.
    """
    arguments: dict[str, str] = {}
    stages = {"scratch"}
    found: dict[str, None] = {}
    for instruction in instructions(text):
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


def _joined(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """Return the instruction that begins at index `at` as one line, and its last line's number."""
    parts: list[str] = []
    for number in range(at, len(lines)):
        line = lines[number].rstrip()
        if parts and not _says_something(line):
            continue
        if not line.endswith(escape):
            return " ".join([*parts, line.strip()]), number + 1
        parts.append(line[:-1].strip())
    return " ".join(parts), len(lines)


def _end_of_heredocs(lines: list[str], instruction: str, end: int) -> int:
    """Return the number of the last line of the here-documents that the instruction begins."""
    if not instruction.upper().startswith(_WITH_HEREDOC):
        return end
    for heredoc in HEREDOC.finditer(instruction):
        for number in range(end, len(lines)):
            line = lines[number].lstrip("\t") if heredoc["dash"] else lines[number]
            if line.removesuffix("\r") == heredoc["word"]:
                end = number + 1
                break
    return end


def _squeezed(text: str) -> str:
    return " ".join(text.split())
