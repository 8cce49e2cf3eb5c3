"""What a line is for those who number lines: compilers, linters, builders, editors."""

from __future__ import annotations


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, each without its newline; a last empty one is none.

    Only a newline ends a line. `str.splitlines` also splits at U+0085, U+2028, form feeds and
    more, and so would number them differently or tear a line of JSON in two. A carriage return
    before a newline stays at the end of its line.
    """
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]
