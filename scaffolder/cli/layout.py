"""Lines that fit the terminal, for commands that draw nothing more than text."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import TextIO

import click

from scaffolder.core.text import sanitize_line

_WIDTH = 100


def wrap_text(text: str, indent: str = "") -> list[str]:
    """Return somebody's text as harmless lines that fit the terminal, each with this indent."""
    return _break(sanitize_line(text), measure_width(), indent, indent)


def measure_width() -> int:
    """Return how many columns a line may have."""
    return min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)


def format_count(count: int, what: str) -> str:
    """Return a number of things in words; `what` is one of them."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def say(text: str, *, err: bool = False, hang: str = "") -> None:
    """Print text that is harmless already; a terminal that is too narrow gets whole words.

    What goes on below an indented line is indented as that, and by `hang`. Elsewhere than in a
    terminal each line stays one, for whoever searches in it.
    """
    click.echo(fit_text(text, sys.stderr if err else sys.stdout, hang), err=err)


def fit_text(text: str, stream: TextIO, hang: str = "") -> str:
    """Return lines as `say` prints them on a stream."""
    columns = _columns(stream)
    if columns is None:
        return text
    width = min(_WIDTH, columns)
    found: list[str] = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        found += _break(line, width, "", indent and indent + hang) if len(line) > width else [line]
    return "\n".join(found)


def _break(text: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _columns(stream: TextIO) -> int | None:
    """Return how wide the terminal is that a stream goes to, None where it goes to none."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None
