"""`devlab progress export`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.notices import tell_records
from scaffolder.cli.output import deliver, require_writable
from scaffolder.progress import records


@click.command(
    "export",
    epilog=format_examples(
        "devlab progress export progress.json",
        "devlab progress export - | less",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
def command(file: Path) -> None:
    """Write your progress to FILE as JSON (- for the screen).

    Its schema is devlab.progress/1. The last reports stay behind: they speak of the files on this
    machine.
    """
    output = None if str(file) == "-" else file
    require_writable(output)
    text = records.export()
    tell_records()
    deliver(text, output)
