"""What a terminal of a fixed size shows of a stream of bytes, with its colours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyte
from pyte.screens import Char


@dataclass(frozen=True)
class Style:
    """How a cell is drawn; colours are pyte's names, or six hexadecimal digits."""

    foreground: str = "default"
    background: str = "default"
    bold: bool = False
    faint: bool = False
    italic: bool = False
    underlined: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Run:
    """Neighbouring cells of one style: the column they begin in, how many, and their text."""

    column: int
    columns: int
    text: str
    style: Style


Row = tuple[Run, ...]


class _Screen(pyte.Screen):
    """An emulator that knows faint text, as which pyte has none: its blink stands for it."""

    def select_graphic_rendition(self, *attrs: int) -> None:
        super().select_graphic_rendition(*_with_faint(attrs))


def _with_faint(attrs: Sequence[int]) -> Iterator[int]:
    rest = iter(attrs)
    for attr in rest:
        yield from {2: (5,), 22: (22, 25)}.get(attr, (attr,))
        if attr in {38, 48}:
            # What follows is a colour, in which a 2 means something else.
            how = next(rest, 0)
            yield from (how, *itertools.islice(rest, 1 if how == 5 else 3))


def rows(sent: bytes, columns: int, lines: int) -> list[Row]:
    """Return the lines that a terminal shows after it was sent this, without empty last ones."""
    screen = _Screen(columns, lines)
    pyte.ByteStream(screen).feed(sent)
    found = [_row([screen.buffer[y][x] for x in range(columns)]) for y in range(lines)]
    while found and not found[-1]:
        found.pop()
    return found


def text(row: Row) -> str:
    """Return what a line says, without its last blanks."""
    line = ""
    for run in row:
        line = line.ljust(run.column) + run.text
    return line.rstrip()


def _row(cells: list[Char]) -> Row:
    runs = []
    column = 0
    for style, group in itertools.groupby(cells, _style):
        same = list(group)
        # A blank without a colour behind it is no ink.
        if style.reverse or style.background != "default" or _said(same).strip():
            runs.append(Run(column, len(same), _said(same), style))
        column += len(same)
    return tuple(runs)


def _said(cells: list[Char]) -> str:
    # The second cell of a wide sign holds nothing; a blank keeps letters and columns in step.
    return "".join(cell.data or " " for cell in cells)


def _style(cell: Char) -> Style:
    return Style(
        foreground=cell.fg,
        background=cell.bg,
        bold=cell.bold,
        faint=cell.blink,
        italic=cell.italics,
        underlined=cell.underscore,
        reverse=cell.reverse,
    )
