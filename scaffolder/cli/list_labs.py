"""`devlab list`."""

from __future__ import annotations

import json

import click

from scaffolder import catalog
from scaffolder.cli.options import listing_format
from scaffolder.model import Lab


@click.command("list", epilog="Example: devlab list --format json")
@listing_format
def command(form: str) -> None:
    """List the labs."""
    labs = list(catalog.labs(graded=False))
    if form == "json":
        click.echo(json.dumps([_entry(lab) for lab in labs], indent=2))
        return
    width = max((len(lab.id) for lab in labs), default=0)
    for lab in labs:
        click.echo(f"{lab.id:<{width}}  {lab.title}")
        click.echo(
            f"{'':<{width}}  {lab.track}, {lab.level}, about {lab.minutes} minutes, "
            f"{len(lab.tasks)} tasks, {lab.points} points"
        )
    click.echo("\nTell me more:  devlab show LAB      Begin:  devlab new LAB")


def _entry(lab: Lab) -> dict[str, object]:
    return {
        "id": lab.id,
        "version": lab.version,
        "title": lab.title,
        "summary": lab.summary,
        "track": lab.track,
        "level": lab.level,
        "minutes": lab.minutes,
        "skills": list(lab.skills),
        "tasks": len(lab.tasks),
        "points": lab.points,
    }
