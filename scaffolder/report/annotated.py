"""The reference answer with a word on each part, for a person."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.report.terminal import WIDTH, can_draw

_LIMIT = 4000
_BAR, _PLAIN_BAR = "│", "|"


def draw_heading(about: str, target: Console) -> None:
    """Print what is said of the whole answer."""
    for paragraph in _paragraphs(about):
        target.print(Text(paragraph))
        target.print()


def draw_file(
    path: str, about: str, lines: Sequence[tuple[int, str, str]], target: Console
) -> None:
    """Print a file: its path, what is said of it, and its lines.

    `lines` are the number of a line, what is said before it, and its text.
    """
    target.print(Text(sanitize_line(path), style="bold"))
    for paragraph in _paragraphs(about):
        target.print(_note(paragraph, 2))
    width = len(str(len(lines)))
    bar = _BAR if can_draw(target) else _PLAIN_BAR
    for number, said, text in lines:
        if said:
            target.print()
            for paragraph in _paragraphs(said):
                target.print(_note(paragraph, width + 3))
        lead = Text(f"{number:>{width}} {bar} ", style="dim")
        # A line of code is to be copied: it stays one.
        target.print(lead.append(sanitize_line(text, _LIMIT), style="not dim"), soft_wrap=True)
    target.print()


def render_plain(draw: Callable[[Console], None]) -> str:
    """Return what `draw` prints, as plain text for a file or a pipe."""
    buffer = io.StringIO()
    draw(Console(file=buffer, width=WIDTH, markup=False, highlight=False, emoji=False))
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _note(paragraph: str, indent: int) -> Padding:
    return Padding(Text(paragraph, style="cyan"), (0, 0, 0, indent), expand=False)


def _paragraphs(text: str) -> Iterator[str]:
    return (sanitize_line(one, _LIMIT) for one in text.split("\n\n") if one)
