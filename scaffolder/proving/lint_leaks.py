"""Whether something of the solution stands in the start, where the learner would find it.

A line that the solution takes away from where it stood was moved, and moving it was the work. What
counts is what stays: comments anywhere, and live lines of another file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from scaffolder.core.lines import split_lines
from scaffolder.labs import generate
from scaffolder.model import Lab, Problem
from scaffolder.proving.lint_places import make_relative
from scaffolder.proving.lint_states import read_tree

_RUN = 3
# A sentence or a command that instructions show is no leak; a whole block is.
_RUN_IN_PROSE = 5
_PROSE = {".md", ".rst", ".txt"}
_COMMENT = re.compile(r"^(?:#+|//+|--+|;+|\*+|<!--|/\*+|\"\"\")\s?")
# What every file of a sort begins with says nothing about the answer.
_BOILERPLATE = re.compile(r"^(?:import|from)\s+\S+(?:\s+import\s+.*)?$")
_LETTERS = 3


@dataclass(frozen=True)
class SignificantLine:
    """A line that says something: its text without marks and spaces, and where it stands."""

    text: str
    number: int
    comment: bool


def list_significant_lines(text: str, path: str) -> list[SignificantLine]:
    """Return the lines of a file that say something, with comment marks and spaces taken off."""
    prose = PurePath(path).suffix in _PROSE
    found = []
    for number, line in enumerate(split_lines(text), start=1):
        bare = line.strip()
        stripped = _COMMENT.sub("", bare)
        words = " ".join(stripped.split())
        if sum(map(str.isalnum, words)) >= _LETTERS and not _BOILERPLATE.match(words):
            found.append(SignificantLine(words, number, comment=not prose and stripped != bare))
    return found


def find_problems(lab: Lab, start: Path, solution: Path) -> Iterator[Problem]:
    """Tell every file of the start in which a run of lines that the solution adds stands."""
    before, after = _lines(start), _lines(solution)
    for path, lines in after.items():
        added = [line for line in _added(before.get(path, []), lines) if not line.comment]
        if not added:
            continue
        for place, theirs in before.items():
            kept = _staying(theirs, after.get(place, []), same=place == path)
            need = _RUN_IN_PROSE if PurePath(place).suffix in _PROSE else _RUN
            found = _common_run(added, kept, need) or _whole(lines, kept)
            if found:
                yield _leak(lab, place, found, path)


def _lines(folder: Path) -> dict[str, list[SignificantLine]]:
    return {
        path: list_significant_lines(content.decode("utf-8", "replace"), path)
        for path, content in read_tree(folder).items()
        if b"\0" not in content and path != "README.md"
    }


def _texts(lines: Sequence[SignificantLine]) -> list[str]:
    return [line.text for line in lines]


def _matcher(
    before: Sequence[SignificantLine], after: Sequence[SignificantLine]
) -> difflib.SequenceMatcher[str]:
    return difflib.SequenceMatcher(None, _texts(before), _texts(after), autojunk=False)


def _added(
    before: Sequence[SignificantLine], after: Sequence[SignificantLine]
) -> list[SignificantLine]:
    """Return the lines that are new or that were only a comment before."""
    kept = {
        block.b + offset
        for block in _matcher(before, after).get_matching_blocks()
        for offset in range(block.size)
        if before[block.a + offset].comment == after[block.b + offset].comment
    }
    return [line for number, line in enumerate(after) if number not in kept]


def _staying(
    before: Sequence[SignificantLine], after: Sequence[SignificantLine], *, same: bool
) -> list[SignificantLine]:
    """Return the lines of a file of the start that could give something away."""
    remaining = set(_texts([line for line in after if not line.comment]))
    return [line for line in before if line.comment or (not same and line.text in remaining)]


def _common_run(
    added: Sequence[SignificantLine], kept: Sequence[SignificantLine], need: int
) -> SignificantLine | None:
    """Return where in `kept` a run of `need` lines of `added` begins."""
    match = _matcher(added, kept).find_longest_match()
    return kept[match.b] if match.size >= need else None


def _whole(
    lines: Sequence[SignificantLine], kept: Sequence[SignificantLine]
) -> SignificantLine | None:
    """Return the first line of `kept` if it is all of a file of the solution, however small."""
    return kept[0] if len(lines) > 1 and _texts(lines) == _texts(kept) else None


def _leak(lab: Lab, place: str, line: SignificantLine, path: str) -> Problem:
    for name in (place, place + generate.JINJA_SUFFIX):
        source = lab.root / "start" / name
        if source.is_file():
            return Problem(
                f"gives away what the solution adds to {path}, from {line.text!r} on",
                make_relative(source, lab.root),
                line.number,
                "take it out of the start, or let the task be another one",
            )
    return Problem(
        f"{place} of the template gives away what the solution adds to {path}, "
        f"from {line.text!r} on (line {line.number})",
        "lab.yaml",
    )
