"""`devlab task`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.examples import format_examples
from scaffolder.cli.notices import tell_records
from scaffolder.cli.options import complete_task, listing_format
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.labs.instructions import read_task_instructions
from scaffolder.labs.lab_file import require_task
from scaffolder.model import Lab, Task
from scaffolder.progress import records
from scaffolder.progress.news import ToldTask
from scaffolder.progress.next_step import choose_open_task

SCHEMA = "devlab.task/1"


@click.command(
    "task",
    epilog=format_examples(
        "devlab task",
        "devlab task red-on-lint",
        "devlab task red-on-lint | less",
        notes=("All of the instructions, with what goes for every task, are README.md.",),
    ),
)
@click.argument("task", required=False, shell_complete=complete_task)
@listing_format
def command(task: str | None, form: str) -> None:
    """Show what the instructions say of TASK.

    Without one, of the first task that does not pass yet, as far as it was checked.
    """
    found = workspace.find_workspace(Path())
    lab = catalog.load_for_workspace(found.manifest, graded=False)
    told = records.read_told(found)
    tell_records()
    passed = {name for name, one in told.items() if one.passed}
    chosen = require_task(lab, task) if task else choose_open_task(lab, passed) or lab.tasks[0]
    text = read_task_instructions(lab, chosen.id)
    if form == "json":
        click.echo(json.dumps(_document(lab, chosen, told.get(chosen.id), text), indent=2))
    else:
        _draw(chosen, told.get(chosen.id), text)


def _draw(task: Task, told: ToldTask | None, text: str) -> None:
    from rich.text import Text

    from scaffolder.report import terminal
    from scaffolder.report.instructions import format_instructions, make_harmless

    target = terminal.make_console()
    target.print(Text(sanitize_line(f"{task.id}: {task.title}"), style="bold"))
    target.print(Text(_describe(task, told), style="dim"))
    target.print()
    if target.is_terminal:
        target.print(format_instructions(text))
    else:
        click.echo(make_harmless(text), nl=False)
    words = f"check it  devlab check --task {task.id}\nstuck?    devlab hint {task.id}"
    target.print(Text(f"\n{words}", style="dim"))


def _describe(task: Task, told: ToldTask | None) -> str:
    needs = f"; needs {', '.join(task.needs)}" if task.needs else ""
    return f"{task.points} points{needs}; {describe_told(told)}"


def describe_told(told: ToldTask | None) -> str:
    """Return in words what the last check said of a task."""
    if told is None or told.passed is None:
        return "not checked yet"
    return "passed when it was last checked" if told.passed else "did not pass when last checked"


def _document(lab: Lab, task: Task, told: ToldTask | None, text: str) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "lab": {"id": lab.id, "version": lab.version},
        "task": {
            "id": task.id,
            "title": task.title,
            "points": task.points,
            "needs": list(task.needs),
        },
        "passed": told and told.passed,
        "instructions": text,
    }
