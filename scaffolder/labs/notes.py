"""What a lab says about its own answers: `notes.md`, beside its solution.

A heading `## PATH` begins what is said of a file of the solution: first of the file as a whole,
then, below each quote, of the place that is quoted. A quote is one line or several that follow one
another; each is a part of a line of the file, whatever its indentation. `## alternatives/NAME` begins
what is said of another right answer, and `## steps/NAME` of a step of the solution's, whose lines are
quoted as those of a file. What stands before all of these is about the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.core.errors import LabFileError, UnusableFileError
from scaffolder.core.lines import split_lines
from scaffolder.workspace import read_text

NOTES = "notes.md"
ALTERNATIVES = "alternatives/"
STEPS_NOTES = "steps/"
_SECTION = re.compile(r"##[ \t]+(?P<name>\S.*?)[ \t]*")
_QUOTE = re.compile(r">[ \t]?(?P<text>.*)")


@dataclass
class Note:
    """A word on one place of a file; `line` is that of notes.md, counted from 1."""

    quote: tuple[str, ...]
    line: int
    text: str = ""


@dataclass
class NotesSection:
    """What is said of a file, or of another answer: `about` all of it, and `notes` on places."""

    name: str
    line: int
    about: str = ""
    notes: list[Note] = field(default_factory=list)

    @property
    def alternative(self) -> str:
        """The name of the other answer that it is about; "" for a file of the solution."""
        is_other = self.name.startswith(ALTERNATIVES)
        return self.name.removeprefix(ALTERNATIVES) if is_other else ""


@dataclass(frozen=True)
class Notes:
    """All notes of a lab: `about` the whole, and its sections by name, in their order."""

    about: str = ""
    sections: Mapping[str, NotesSection] = field(default_factory=dict)


def read_notes(root: Path) -> Notes:
    """Return the notes of the lab in `root`; none where it has no file of them.

    Raises LabFileError, with the line, for what cannot be understood.
    """
    path = root / NOTES
    try:
        text = read_text(root, NOTES) if path.is_file() else ""
    except UnusableFileError as error:
        raise LabFileError(error.message, path, error.line) from error
    return _Reader(path).read(text)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._about: list[str] = []
        self._sections: dict[str, NotesSection] = {}
        self._open: NotesSection | None = None
        self._quoting = False

    def read(self, text: str) -> Notes:
        for number, line in enumerate(split_lines(text), start=1):
            section, quote = _SECTION.fullmatch(line), _QUOTE.fullmatch(line)
            if section is not None:
                self._begin(section["name"], number)
            elif quote is not None:
                self._quote(quote["text"].strip(), number)
            else:
                self._say(line)
        self._close_section()
        return Notes(_join(self._about), self._sections)

    def _begin(self, name: str, number: int) -> None:
        self._close_section()
        if name in self._sections:
            first = self._sections[name].line
            raise LabFileError(f"{name} has a section already, on line {first}", self._path, number)
        self._open = self._sections[name] = NotesSection(name, number)
        self._quoting = False

    def _quote(self, text: str, number: int) -> None:
        if self._open is None or self._open.alternative:
            raise LabFileError("a quote belongs below the heading of a file", self._path, number)
        if not text:
            raise LabFileError("an empty line cannot be quoted", self._path, number)
        if self._quoting:
            last = self._open.notes[-1]
            last.quote = (*last.quote, text)
            return
        self._close_note()
        self._open.notes.append(Note((text,), number))
        self._quoting = True

    def _say(self, line: str) -> None:
        self._quoting = False
        if self._open is None:
            self._about += [] if line.startswith("# ") else [line]
        elif self._open.notes:
            self._open.notes[-1].text += f"{line}\n"
        else:
            self._open.about += f"{line}\n"

    def _close_section(self) -> None:
        self._close_note()
        if self._open is None:
            return
        self._open.about = _join(self._open.about.split("\n"))
        if not self._open.about and not self._open.notes:
            raise LabFileError(f"nothing is said of {self._open.name}", self._path, self._open.line)

    def _close_note(self) -> None:
        if self._open is None or not self._open.notes:
            return
        note = self._open.notes[-1]
        note.text = _join(note.text.split("\n"))
        if not note.text:
            raise LabFileError("nothing is said of what is quoted", self._path, note.line)


def _join(lines: Sequence[str]) -> str:
    """Return paragraphs, each as one line, with a blank line between them."""
    paragraphs = re.split(r"\n[ \t]*\n", "\n".join(lines).strip())
    return "\n\n".join(" ".join(one.split()) for one in paragraphs if one.strip())


def find_places(note: Note, lines: Sequence[str]) -> tuple[int, ...]:
    """Return where in a file what is quoted stands, as numbers of lines from 1: should be one."""
    length = len(note.quote)
    return tuple(
        start + 1
        for start in range(len(lines) - length + 1)
        if all(part in lines[start + at] for at, part in enumerate(note.quote))
    )
