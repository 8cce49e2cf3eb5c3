"""Where a command's result goes: the screen, or a file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from scaffolder.core.errors import DevlabError

output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file instead of the screen.",
)


def require_writable(output: Path | None) -> None:
    """Say before the work, not after it, that its result cannot be written."""
    if output is None:
        return
    folder = output.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise DevlabError(f"cannot write {output}: {folder} is no folder that can be written to")


def deliver(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file; raises DevlabError where that cannot be done."""
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise DevlabError(f"cannot write {output}: {error.strerror}") from error


def add_to_named(variable: str, text: str) -> None:
    """Add a text to the file that an environment variable names, if it names one.

    So GitHub's runner takes summaries and outputs. Raises DevlabError where it cannot be written.
    """
    named = os.environ.get(variable)
    if not named:
        return
    try:
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise DevlabError(f"cannot write {named} ({variable}): {error.strerror}") from error
