"""`devlab pack`: labs of others."""

from __future__ import annotations

import click

from scaffolder.cli import LazyGroup

COMMANDS = {
    "add": "scaffolder.cli.pack_add",
    "list": "scaffolder.cli.pack_list",
    "remove": "scaffolder.cli.pack_remove",
    "trust": "scaffolder.cli.pack_trust",
    "update": "scaffolder.cli.pack_update",
}


@click.group("pack", cls=LazyGroup, modules=COMMANDS, no_args_is_help=True)
def command() -> None:
    """Use labs of others."""
