"""`devlab progress import`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.notices import tell_records
from scaffolder.progress import records


@click.command(
    "import",
    epilog=format_examples(
        "devlab progress import progress.json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Merge an exported FILE into your progress.

    Nothing that you have is lost: each task keeps its earlier first pass, each workspace its
    better score, and a file that is imported twice changes nothing the second time.
    """
    counts = records.merge(file)
    tell_records()
    say(
        f"merged {counts.workspaces} workspaces of {counts.labs} labs, "
        f"{counts.passed} passed tasks: devlab progress shows where you stand"
    )
