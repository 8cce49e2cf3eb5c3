"""`devlab pack remove`."""

from __future__ import annotations

import click

from scaffolder.cli.examples import examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import complete_pack
from scaffolder.core.text import harmless
from scaffolder.labs.packs import install


@click.command(
    "remove",
    epilog=examples(
        "devlab pack remove my-labs",
    ),
)
@click.argument("name", shell_complete=complete_pack)
def command(name: str) -> None:
    """Take an installed pack away. Workspaces made from it stay, but cannot be checked."""
    record = install.remove(name)
    again = harmless(record.address)
    say(f"removed {record.name}; add it again with: devlab pack add {again}")
