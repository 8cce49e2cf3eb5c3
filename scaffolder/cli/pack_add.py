"""`devlab pack add`."""

from __future__ import annotations

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.core.text import sanitize_line
from scaffolder.labs.packs import code, install, registry


@click.command(
    "add",
    epilog=format_examples(
        "devlab pack add https://host/org/labs.git@v1",
        "devlab pack add ./my-labs",
    ),
)
@click.argument("source", metavar="DIR|GIT-URL[@REF]")
@click.option("--name", default="", metavar="NAME", help="Call it NAME instead of its own name.")
def command(source: str, name: str) -> None:
    """Install a pack of labs, pinned to the content that is there now."""
    added = install.add_pack(source, name)
    record = added.record
    at = f" at {record.commit[:12]}" if record.commit else ""
    say(f"{record.name}: {sanitize_line(record.address)}{at}")
    for lab in added.labs:
        if lab not in added.broken:
            say(f"  {record.name}/{lab}")
    for why in added.broken.values():
        say(f"warning: cannot be used: {sanitize_line(why)}", err=True)
    if code.find(registry.find_copy(record)):
        say(
            f"It brings code, which does not run unless you say so: devlab pack trust {record.name}"
        )
