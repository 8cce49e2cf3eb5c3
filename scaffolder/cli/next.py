"""`devlab next`."""

from __future__ import annotations

import json

import click

from scaffolder.cli import detect_color
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import wrap_text
from scaffolder.cli.notices import tell_records, warn
from scaffolder.cli.options import listing_format
from scaffolder.core.errors import DevlabError
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.model import Finish, Lab
from scaffolder.progress import guide, records
from scaffolder.progress.next_step import NextStep
from scaffolder.workspace import Workspace

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
    here = guide.find_workspace_here()
    found = guide.find_guidance(here)
    tell_records()
    finished = find_finished(here) if here else None
    if form == "json":
        click.echo(json.dumps(_document(found.step, finished), indent=2))
        return
    warn(*found.survey.broken.values(), *found.survey.problems)
    if finished is not None:
        draw_lab_finish(*finished, found.step)
        return
    click.echo(format_step(found.step) if found.step else NOTHING_LEFT)


NOTHING_LEFT = """\
Every lab that is here is done. See what you gained: devlab progress
More labs: devlab pack add DIR|GIT-URL[@REF]   or write one: devlab lab new"""


def find_finished(here: Workspace) -> tuple[Lab, Finish] | None:
    """Return the lab of the workspace here with its finish, if all passed when last checked."""
    try:
        lab = catalog.load_for_workspace(here.manifest, graded=False)
    except DevlabError:
        return None
    told = records.read_told(here)
    passed = {task for task, one in told.items() if one.passed}
    if lab.finish is None or not passed >= {task.id for task in lab.tasks}:
        return None
    return lab, lab.finish


def draw_lab_finish(lab: Lab, finish: Finish, step: NextStep | None) -> None:
    """Print the finish of a lab, and what comes next."""
    from scaffolder.report import terminal
    from scaffolder.report.finish import draw_finish

    following = guide.format_next_lab(step)
    screen = terminal.make_console()
    with screen.capture() as captured:
        draw_finish(finish, lab.points, following, screen)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), color=detect_color())


def format_step(step: NextStep) -> str:
    """Return what comes next, why, and the command, as lines that fit the terminal."""
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


def _document(step: NextStep | None, finished: tuple[Lab, Finish] | None) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "finish": finished
        and {
            "lab": finished[0].id,
            "proved": finished[1].proved,
            "at_work": finished[1].at_work,
        },
        "lab": step and {"id": step.lab.id, "title": step.lab.title, "minutes": step.lab.minutes},
        "task": step and step.task and {"id": step.task.id, "title": step.task.title},
        "workspace": step and step.workspace,
        "why": step.why if step else "every lab that is here is done",
        "command": step and step.command,
    }
