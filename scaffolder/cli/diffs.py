"""Show how files would change: coloured and harmless at a terminal, byte for byte in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from scaffolder.cli import detect_color
from scaffolder.core.text import sanitize_line
from scaffolder.revise.diffs import FileDiff

_STYLES = {
    "+++": {"bold": True},
    "---": {"bold": True},
    "+": {"fg": "green"},
    "-": {"fg": "red"},
    "@@": {"fg": "cyan"},
}


def echo_diffs(files: Iterable[FileDiff], *, err: bool = False) -> None:
    """Print unified diffs.

    Into a pipe or a file goes every byte as it is, so that `git apply` can take it.
    """
    stream = sys.stderr if err else sys.stdout
    for one in files:
        if stream.isatty():
            for line in one.text.split("\n")[:-1]:
                click.echo(_styled(line), err=err, color=detect_color())
        else:
            click.echo(one.text.encode("utf-8", "surrogateescape"), nl=False, err=err)


def _styled(line: str) -> str:
    shown = sanitize_line(line)
    if line.startswith("diff --git "):
        return click.style(shown, bold=True)
    for start, style in _STYLES.items():
        if line.startswith(start):
            return click.style(shown, **style)  # type: ignore[arg-type]
    return shown


def make_diff_documents(files: Iterable[FileDiff]) -> list[dict[str, str]]:
    """Return diffs for a JSON document."""
    return [
        {
            "path": one.path,
            "change": one.change,
            "diff": one.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        }
        for one in files
    ]
