"""`devlab clean`."""

from __future__ import annotations

import click

from scaffolder.grading import sweep


@click.command("clean", epilog="Example: devlab clean")
def command() -> None:
    """Remove what killed runs left behind: containers, images, networks, temporary folders.

    Runs that are alive are left alone. Every check does this by itself before it starts.
    """
    swept = sweep()
    click.echo(
        f"removed {swept.folders} temporary folders and {swept.engine} things in the Docker Engine"
        if swept.folders or swept.engine
        else "nothing was left behind"
    )
