"""`devlab clean`."""

from __future__ import annotations

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.grading.lifecycle import sweep


@click.command(
    "clean",
    epilog=format_examples(
        "devlab clean",
    ),
)
def command() -> None:
    """Remove what killed runs left behind.

    Containers, images, networks and temporary folders. Runs that are alive are left alone. Every
    check does this by itself before it starts.
    """
    swept = sweep()
    say(
        f"removed {swept.folders} temporary folders and {swept.engine} things in the Docker Engine"
        if swept.folders or swept.engine
        else "nothing was left behind"
    )
