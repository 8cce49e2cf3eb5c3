"""`devlab pack list`."""

from __future__ import annotations

import json

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import listing_format
from scaffolder.core.text import sanitize_line
from scaffolder.labs import packs
from scaffolder.labs.packs import Pack


@click.command(
    "list",
    epilog=format_examples(
        "devlab pack list --format json",
    ),
)
@listing_format
def command(form: str) -> None:
    """List the packs, and where each comes from.

    Installed, named by DEVLAB_LABS, or brought by Python distributions.
    """
    found = packs.find()
    for problem in found.problems:
        say(f"warning: {sanitize_line(problem.message)}", err=True)
        if problem.hint:
            say(f"  {sanitize_line(problem.hint)}", err=True)
    if form == "json":
        click.echo(json.dumps([_entry(pack) for pack in found.packs.values()], indent=2))
        return
    for pack in found.packs.values():
        say(_text(pack))
    if not found.packs:
        say("There are no packs. Add one with: devlab pack add DIR|GIT-URL[@REF]")


def _entry(pack: Pack) -> dict[str, object]:
    record = pack.record
    return {
        "name": pack.name,
        "title": pack.title,
        "origin": str(pack.origin),
        "source": pack.source,
        "folder": str(pack.root),
        "ref": record.ref if record else "",
        "commit": record.commit if record else "",
        "content": record.content if record else "",
        "trusted": pack.trusted,
        "labs": list(pack.labs()),
    }


def _text(pack: Pack) -> str:
    record = pack.record
    commit = f" at {record.commit[:12]}" if record and record.commit else ""
    trusted = "trusted" if pack.trusted else "its code does not run"
    title = f"  {sanitize_line(pack.title)}" if pack.title else ""
    labs = [f"  {lab_id}" for lab_id in pack.labs()]
    source = f"  {pack.origin}, {trusted}: {sanitize_line(pack.source)}{commit}"
    return "\n".join([f"{pack.name}{title}", source, *labs])
