"""`devlab lab kinds`."""

from __future__ import annotations

import shutil

import click
import msgspec

from scaffolder.authoring import reference
from scaffolder.cli.examples import examples


@click.command(
    "kinds",
    epilog=examples(
        "devlab lab kinds",
        "devlab lab kinds container.serves",
    ),
)
@click.argument("kind", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="For a terminal, for programs, or as a page.",
)
def command(kind: str | None, form: str) -> None:
    """Show the check kinds that a lab can name, or all about one KIND."""
    found = reference.pages() if kind is None else (reference.find(kind),)
    width = shutil.get_terminal_size().columns
    if form == "json":
        shown = found if kind is None else found[0]
        click.echo(msgspec.json.format(msgspec.json.encode(shown), indent=2))
    elif form == "markdown":
        click.echo(reference.as_markdown(found), nl=False)
    elif kind is None:
        click.echo(reference.as_list(found, width))
        click.echo("\nTell me more:  devlab lab kinds KIND")
    else:
        click.echo(reference.as_text(found[0], width))
