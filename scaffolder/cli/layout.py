"""Lines that fit the terminal, for commands that draw nothing more than text."""

from __future__ import annotations

import shutil
import textwrap

from scaffolder.report.text import harmless

_WIDTH = 100


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return somebody's text as harmless lines that fit the terminal, each with this indent."""
    width = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)
    return textwrap.wrap(harmless(text), width, initial_indent=indent, subsequent_indent=indent)
