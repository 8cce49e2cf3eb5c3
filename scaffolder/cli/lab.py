"""`devlab lab`: for those who write labs."""

from __future__ import annotations

import click

from scaffolder.cli import LazyGroup

COMMANDS = {
    "kinds": "scaffolder.cli.lab_kinds",
    "lint": "scaffolder.cli.lab_lint",
    "new": "scaffolder.cli.lab_new",
    "prove": "scaffolder.cli.lab_prove",
    "render": "scaffolder.cli.lab_render",
    "schema": "scaffolder.cli.lab_schema",
}


@click.group("lab", cls=LazyGroup, modules=COMMANDS, no_args_is_help=True)
def command() -> None:
    """Work on labs as an author."""
