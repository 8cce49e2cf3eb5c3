"""`devlab list`."""

from __future__ import annotations

import json

import click

from scaffolder import catalog
from scaffolder.cli.options import listing_format
from scaffolder.model import Lab, Problem
from scaffolder.report.text import harmless, harmless_block


@click.command("list", epilog="Example: devlab list --format json")
@listing_format
def command(form: str) -> None:
    """List the labs: ours, and those of packs."""
    found = catalog.survey()
    for problem in (*found.broken.values(), *found.problems):
        click.echo(f"warning: {harmless_block(problem.message)}", err=True)
        if problem.hint:
            click.echo(f"  {harmless_block(problem.hint)}", err=True)
    if form == "json":
        broken = [_broken(lab_id, problem) for lab_id, problem in found.broken.items()]
        click.echo(json.dumps([*map(_entry, found.labs), *broken], indent=2))
        return
    width = max((len(lab.id) for lab in found.labs), default=0)
    for lab in found.labs:
        click.echo(f"{lab.id:<{width}}  {harmless(lab.title)}")
        click.echo(
            f"{'':<{width}}  {lab.track}, {lab.level}, about {lab.minutes} minutes, "
            f"{len(lab.tasks)} tasks, {lab.points} points"
        )
    click.echo("\nTell me more:  devlab show LAB      Begin:  devlab new LAB")


def _broken(lab_id: str, problem: Problem) -> dict[str, object]:
    """Return the entry of a lab that cannot be read: the keys of `_entry`, without values."""
    empty = dict.fromkeys(
        ("version", "title", "summary", "track", "level", "minutes", "skills", "tasks", "points")
    )
    return {"id": lab_id, **empty, "problem": problem.message}


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
        "problem": None,
    }
