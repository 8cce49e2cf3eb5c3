"""`devlab lab`: for those who write labs."""

from __future__ import annotations

import click

from scaffolder.cli import LazyGroup

COMMANDS = {
    "render": "scaffolder.cli.lab_render",
}


@click.group("lab", cls=LazyGroup, modules=COMMANDS, no_args_is_help=True)
def command() -> None:
    """Work on labs as an author."""
