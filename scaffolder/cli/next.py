"""`devlab next`."""

from __future__ import annotations

import itertools
import json
import os
import shlex
from pathlib import Path

import click
import msgspec

from scaffolder import workspace
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import wrap_text
from scaffolder.cli.notices import tell_records, warn
from scaffolder.cli.options import listing_format
from scaffolder.core.errors import DevlabError
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.progress import records
from scaffolder.progress.next_step import NextStep, choose_next_step
from scaffolder.progress.standing import Records, WorkspaceRecord, compute_standing

SCHEMA = "devlab.next/1"
_COMMAND_LIMIT = 10_000


@click.command(
    "next",
    epilog=format_examples(
        "devlab next",
        "devlab next --format json",
    ),
)
@listing_format
def command(form: str) -> None:
    """Say what to do next, why, and the command for it.

    A workspace that you have begun comes first: the one that you stand in, then the one that you
    checked last. Then a lab of a track that you have begun, of the lowest level, that teaches most
    that is new for you.
    """
    found = catalog.survey()
    kept = records.read_all()
    tell_records()
    here = _here()
    step = choose_next_step(
        found.labs,
        compute_standing(found.labs, kept),
        _begun(kept, here),
        here=str(here.root) if here else "",
    )
    step = _possible(step) if step else None
    if form == "json":
        click.echo(json.dumps(_document(step), indent=2))
        return
    warn(*found.broken.values(), *found.problems)
    click.echo(_text(step) if step else _NOTHING_LEFT)


_NOTHING_LEFT = """\
Every lab that is here is done. See what you gained: devlab progress
More labs: devlab pack add DIR|GIT-URL[@REF]   or write one: devlab lab new"""


def _here() -> workspace.Workspace | None:
    try:
        return workspace.find_workspace(Path())
    except (DevlabError, OSError):
        return None


def _possible(step: NextStep) -> NextStep:
    """Return a step whose command works here: no lab is made where something stands already."""
    if step.workspace is not None:
        return step
    folder = Path(step.lab.root.name)
    if not os.path.lexists(folder):
        return step
    lab = shlex.quote(step.lab.id)
    try:
        begun = workspace.read_manifest(folder).lab.id == step.lab.id
    except (DevlabError, OSError):
        begun = False
    if begun:
        why = f"its workspace is here, in {folder}; {step.why}"
        command = f"cd {shlex.quote(str(folder))} && devlab check"
        return msgspec.structs.replace(step, why=why, command=command)
    free = next(
        name
        for name in (f"{folder}-{number}" for number in itertools.count(2))
        if not os.path.lexists(name)
    )
    return msgspec.structs.replace(step, command=f"devlab new {lab} {shlex.quote(free)}")


def _begun(kept: Records, here: workspace.Workspace | None) -> list[WorkspaceRecord]:
    """Return the records of the workspaces that are still there, the one here first."""
    there = [one for one in kept.workspaces if _still_there(one)]
    if here is None:
        return there
    key = records.make_key(here)
    first = next((one for one in there if one.key == key), WorkspaceRecord(key=key))
    return [first, *(one for one in there if one.key != key)]


def _still_there(record: WorkspaceRecord) -> bool:
    try:
        return workspace.read_manifest(Path(record.key.path)).lab.id == record.key.lab
    except (DevlabError, OSError):
        return False


def _text(step: NextStep) -> str:
    lab = step.lab
    begins = f"Go on with {lab.id}" if step.task else f"Begin {lab.id}"
    facts = [f"{lab.track}, {lab.level}, about {lab.minutes} minutes", f"why: {step.why}"]
    if step.task:
        facts.append(f"next task: {step.task.id}: {step.task.title} ({step.task.points} points)")
    return "\n".join(
        [
            *wrap_text(f"{begins}: {lab.title}"),
            *(line for fact in facts for line in wrap_text(fact, "  ")),
            "",
            # To be copied, so never wrapped.
            f"  {sanitize_line(step.command, limit=_COMMAND_LIMIT)}",
        ]
    )


def _document(step: NextStep | None) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "lab": step and {"id": step.lab.id, "title": step.lab.title, "minutes": step.lab.minutes},
        "task": step and step.task and {"id": step.task.id, "title": step.task.title},
        "workspace": step and step.workspace,
        "why": step.why if step else "every lab that is here is done",
        "command": step and step.command,
    }
