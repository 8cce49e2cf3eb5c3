"""`devlab pack remove`."""

from __future__ import annotations

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import complete_pack
from scaffolder.core.text import sanitize_line
from scaffolder.labs.packs import install


@click.command(
    "remove",
    epilog=format_examples(
        "devlab pack remove my-labs",
    ),
)
@click.argument("name", shell_complete=complete_pack)
def command(name: str) -> None:
    """Take an installed pack away. Workspaces made from it stay, but cannot be checked."""
    record = install.remove_pack(name)
    again = sanitize_line(record.address)
    say(f"removed {record.name}; add it again with: devlab pack add {again}")
