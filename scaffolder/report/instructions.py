"""What instructions say, for a person: drawn at a terminal, as Markdown elsewhere."""

from __future__ import annotations

from rich.console import RenderableType

from scaffolder.core.text import sanitize_line

_LINE_LIMIT = 5000


def format_instructions(text: str) -> RenderableType:
    """Return Markdown of a lab's as a terminal shows it; it can do nothing but be read."""
    # Here, for it loads a parser that nothing else needs.
    from rich.markdown import Markdown

    # An address that stands in the text can be seen; a link could lead somewhere else.
    return Markdown(make_harmless(text), hyperlinks=False, code_theme="ansi_dark")


def make_harmless(text: str) -> str:
    """Return a text with every line harmless to print, and none cut where an author wrote it."""
    return (
        "".join(f"{sanitize_line(line, _LINE_LIMIT)}\n" for line in text.split("\n")).rstrip("\n")
        + "\n"
    )
