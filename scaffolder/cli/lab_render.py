"""`devlab lab render`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffolder import catalog
from scaffolder.cli.options import lab_argument, set_option
from scaffolder.proving.states import build


@click.command(
    "render", epilog="Example: devlab lab render ci-pipeline /tmp/solved --state solution"
)
@lab_argument
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--state",
    default="start",
    show_default=True,
    metavar="STATE",
    help="start, solution, alternative:NAME, mistake:NAME or mutant:ID.",
)
@set_option
def command(lab: str, directory: Path, state: str, settings: dict[str, str]) -> None:
    """Write a state of a lab into the new folder DIRECTORY."""
    found = catalog.load(lab, graded=state.startswith("mistake:"))
    build(found, state, settings, directory.absolute())
    click.echo(f"{lab}, {state}: {directory}")
