"""Edits of a text that leave every other character alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Splice:
    """Put `text` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str = ""


@dataclass(frozen=True)
class SourceEdit:
    """What an operator does to one file: a way to name the place, what is wrong then, and how.

    The first splice is the mistake itself; others make the rest fit to it. Without splices the
    file is deleted. `place` names the part inside the file without line numbers, and is empty
    where the operator's name says enough.
    """

    place: str
    title: str
    splices: tuple[Splice, ...]


@dataclass(frozen=True)
class Operator:
    """One way in which people go wrong: a function from a parsed file to edits of it."""

    name: str
    summary: str
    edits: Callable[[Any], Iterator[SourceEdit]]


@dataclass(frozen=True)
class Source:
    """A file of a solution: its path in the folder `root`, and its text."""

    root: Path
    path: str
    text: str


@dataclass(frozen=True)
class Mutators:
    """Files of one sort: by which paths they are known, who parses them, and the operators.

    `parse` raises DevlabError for a text that is none of this sort.
    """

    name: str
    owns: Callable[[str], bool]
    parse: Callable[[Source], Any]
    operators: tuple[Operator, ...]


def apply_splices(text: str, splices: tuple[Splice, ...]) -> str:
    """Return the text with all splices made; ValueError where two of them overlap."""
    result, at = [], 0
    for one in sorted(splices):
        if one.start < at:
            raise ValueError(f"two edits overlap at {one.start}")
        result += [text[at : one.start], one.text]
        at = one.end
    return "".join([*result, text[at:]])


def find_line_break(text: str) -> str:
    """Return the line break that the text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def find_line_start(text: str, at: int) -> int:
    """Return the offset at which the line of the offset `at` begins."""
    return text.rfind("\n", 0, at) + 1


def find_line_end(text: str, at: int) -> int:
    """Return the offset behind the line of the offset `at` and its line break."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def begins_line(text: str, at: int) -> bool:
    """Tell whether nothing but space stands before `at` in its line."""
    return not text[find_line_start(text, at) : at].strip()


def remove_lines(text: str, start: int, end: int) -> Splice:
    """Remove the whole lines from the one of `start` to the one in which `end` lies.

    Blank lines around them become as few as the author of the rest would have left.
    """
    first, behind = find_line_start(text, start), find_line_end(text, end)
    before = find_line_start(text, first - 1) if first else 0
    after = text[behind : find_line_end(text, behind)].strip()
    if first and not text[before:first].strip() and after in ("", "}"):
        first = before
    elif not first and not after:
        behind = find_line_end(text, behind)
    return Splice(first, behind)


def insert_line(text: str, at: int, line: str) -> Splice:
    """Insert a line behind the one in which `at` lies."""
    end = find_line_end(text, at)
    eol = find_line_break(text)
    ends_open = end == len(text) and not text.endswith("\n")
    return Splice(end, end, f"{eol}{line}" if ends_open else f"{line}{eol}")
