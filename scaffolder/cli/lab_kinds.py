"""`devlab lab kinds`."""

from __future__ import annotations

import shutil

import click
import msgspec

from scaffolder.authoring import reference
from scaffolder.cli.examples import format_examples


@click.command(
    "kinds",
    epilog=format_examples(
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
    found = reference.list_pages() if kind is None else (reference.find_page(kind),)
    width = shutil.get_terminal_size().columns
    if form == "json":
        shown = found if kind is None else found[0]
        click.echo(msgspec.json.format(msgspec.json.encode(shown), indent=2))
    elif form == "markdown":
        click.echo(reference.format_markdown(found), nl=False)
    elif kind is None:
        click.echo(reference.format_list(found, width))
        click.echo("\nTell me more:  devlab lab kinds KIND")
    else:
        click.echo(reference.format_page(found[0], width))
