"""`devlab list`."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence

import click

from scaffolder.cli import detect_color
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import format_count, wrap_text
from scaffolder.cli.notices import tell_records, warn
from scaffolder.cli.options import listing_format
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.model import Lab, Problem
from scaffolder.progress import records
from scaffolder.progress.standing import LabStanding, State, compute_standing, rank_level

_MARKS = {"new": " ", "begun": "~", "done": "✓"}
_PLAIN_MARKS = {"new": " ", "begun": "~", "done": "x"}


@click.command(
    "list",
    epilog=format_examples(
        "devlab list",
        "devlab list --format json",
        notes=(
            "The sign before a lab: ✓ all of its tasks passed, ~ begun. devlab next says what "
            "comes next.",
        ),
    ),
)
@listing_format
def command(form: str) -> None:
    """List the labs by track and level, and what you did of them.

    Ours, and those of packs. The track with the easiest lab comes first.
    """
    found = catalog.survey()
    warn(*found.broken.values(), *found.problems)
    standing = {one.id: one for one in compute_standing(found.labs, records.read_all()).labs}
    tell_records()
    labs = rank_labs(found.labs)
    if form == "json":
        broken = [_broken(lab_id, problem) for lab_id, problem in found.broken.items()]
        entries = [_entry(lab, standing[lab.id]) for lab in labs]
        click.echo(json.dumps([*entries, *broken], indent=2))
        return
    for line in _lines([(lab, standing[lab.id]) for lab in labs]):
        click.echo(line, color=detect_color())
    click.echo("What comes next?  devlab next\nTell me more:     devlab show LAB")
    click.echo("Begin:            devlab new LAB")


def rank_labs(labs: Sequence[Lab]) -> list[Lab]:
    """Return labs by track and level, the track with the easiest lab first."""
    easiest: dict[str, int] = {}
    for lab in labs:
        rank = rank_level(lab.level)
        easiest[lab.track] = min(rank, easiest.get(lab.track, rank))
    return sorted(
        labs, key=lambda lab: (easiest[lab.track], lab.track, rank_level(lab.level), lab.id)
    )


def _lines(labs: list[tuple[Lab, LabStanding]]) -> Iterator[str]:
    for track, ours in itertools.groupby(labs, key=lambda one: one[0].track):
        yield click.style(sanitize_line(track), bold=True)
        for lab, done in ours:
            yield from _lab(lab, done)
        yield ""


def _lab(lab: Lab, done: LabStanding) -> Iterator[str]:
    yield f"{choose_state_mark(done.state)} {sanitize_line(lab.id)}"
    points = f"{done.gained} of {lab.points}" if done.state != "new" else f"{lab.points}"
    tasks = format_count(len(lab.tasks), "task")
    told = f"{lab.level}, about {lab.minutes} minutes, {tasks}, {points} points"
    for text in (lab.title, told):
        yield from wrap_text(text, "    ")


def choose_state_mark(state: State) -> str:
    """Return the sign for what was done of a lab, in letters where that is all there is."""
    return (_MARKS if sys.stdout.encoding.lower().startswith("utf") else _PLAIN_MARKS)[state]


def _broken(lab_id: str, problem: Problem) -> dict[str, object]:
    """Return the entry of a lab that cannot be read: the keys of `_entry`, without values."""
    empty = dict.fromkeys(
        ("version", "title", "summary", "track", "level", "minutes", "skills", "tasks", "points")
    )
    return {"id": lab_id, **empty, "problem": problem.message, "progress": None}


def _entry(lab: Lab, done: LabStanding) -> dict[str, object]:
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
        "progress": {
            "state": done.state,
            "gained": done.gained,
            "passed": list(done.passed),
            "attempts": done.attempts,
            "best": {"earned": done.best, "total": done.best_of},
            "hints": done.hints,
        },
    }
