"""`devlab lab schema`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffolder.authoring import schema
from scaffolder.cli.examples import format_examples


@click.command(
    "schema",
    epilog=format_examples(
        "devlab lab schema mistakes",
        "devlab lab schema --into schema",
    ),
)
@click.argument("name", default="lab")
@click.option(
    "--into",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every schema into this folder instead, over older ones.",
)
def command(name: str, directory: Path | None) -> None:
    """Print the JSON Schema of a lab's files.

    Of lab.yaml, or of NAME: lab, mistakes, faults or history. An editor that knows YAML reads it
    from a file's first line: # yaml-language-server: $schema=PATH
    """
    if directory is None:
        click.echo(schema.format_schema(name), nl=False)
        return
    for path in schema.write_schemas(directory):
        click.echo(path)
