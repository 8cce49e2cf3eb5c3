"""A bare `devlab`: where the learner is, and what comes next. Nothing is graded."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from scaffolder.cli import detect_color
from scaffolder.cli.layout import format_count, measure_width, wrap_text
from scaffolder.cli.list_labs import choose_state_mark
from scaffolder.cli.next import NOTHING_LEFT, draw_lab_finish, find_finished, format_step
from scaffolder.cli.notices import tell_records, warn
from scaffolder.labs import catalog
from scaffolder.model import Lab, Task
from scaffolder.progress import guide, records
from scaffolder.progress.guide import Guidance
from scaffolder.progress.news import ToldTask
from scaffolder.progress.next_step import choose_open_task
from scaffolder.workspace import NoWorkspaceError, Workspace, find_workspace

# Columns around a command and what it is for.
_BESIDE = 5


def show_overview() -> None:
    """Print where the learner stands: in the workspace here, or among all labs."""
    try:
        here = find_workspace(Path())
    except NoWorkspaceError:
        _show_labs(guide.find_guidance(None))
    else:
        _show_workspace(here)
    tell_records()
    click.echo("\nAll commands: devlab --help")


def _show_workspace(here: Workspace) -> None:
    lab = catalog.load_for_workspace(here.manifest, graded=False)
    told = records.read_told(here)
    passed = {name for name, one in told.items() if one.passed}
    _say(lab.title, bold=True)
    _say(_describe_state(lab, told), indent="  ")
    task = choose_open_task(lab, passed)
    if task is not None:
        _show_task(task)
        return
    found = guide.find_guidance(here)
    finished = find_finished(here)
    click.echo()
    if finished is not None:
        draw_lab_finish(*finished, found.step)
    else:
        click.echo(format_step(found.step) if found.step else NOTHING_LEFT)


def _describe_state(lab: Lab, told: Mapping[str, ToldTask]) -> str:
    known = [task for task in lab.tasks if task.id in told and told[task.id].passed is not None]
    if not known:
        return f"not checked yet: {format_count(len(lab.tasks), 'task')}, {lab.points} points"
    passed = [task for task in known if told[task.id].passed]
    left = len(lab.tasks) - len(known)
    unknown = f"; {format_count(left, 'task')} not checked yet" if left else ""
    return (
        f"{sum(task.points for task in passed)} of {lab.points} points when it was last checked: "
        f"{len(passed)} of {format_count(len(lab.tasks), 'task')} passed{unknown}"
    )


def _show_task(task: Task) -> None:
    _say(f"next: {task.id}: {task.title} ({task.points} points)", indent="  ")
    click.echo()
    _offer(
        {
            f"devlab task {task.id}": "what to do",
            f"devlab check --task {task.id}": "whether it holds",
            f"devlab hint {task.id}": "where you are stuck",
        }
    )


def _show_labs(found: Guidance) -> None:
    warn(*found.survey.broken.values(), *found.survey.problems)
    here = found.standing.here
    if all(lab.state == "new" for lab in here):
        _say("Nothing is begun yet.", bold=True)
        _say(
            f"{format_count(len(here), 'lab')}, each a small project with something missing: you do"
            " the work with the real tools, and devlab runs it to see what holds.",
            indent="  ",
        )
    else:
        done = f"{found.standing.done} of {format_count(len(here), 'lab')} done"
        _say(f"{found.standing.gained} of {found.standing.points} points, {done}", bold=True)
        for lab in here:
            if lab.state != "new":
                mark = choose_state_mark(lab.state)
                _say(f"{mark} {lab.id}: {lab.gained} of {lab.points} points", indent="  ")
    click.echo()
    click.echo(format_step(found.step) if found.step else NOTHING_LEFT)
    click.echo()
    _offer({"devlab list": "all labs"})


def _offer(commands: Mapping[str, str]) -> None:
    """Print commands to copy, which are never broken, and what each is for if there is room."""
    longest = max(map(len, commands))
    room = measure_width() - longest - _BESIDE
    for command, what in commands.items():
        told = f"  {command:<{longest}}   {what}" if len(what) <= room else f"  {command}"
        click.echo(told)


def _say(text: str, *, indent: str = "", bold: bool = False) -> None:
    for line in wrap_text(text, indent):
        shown = click.style(line, bold=True) if bold else line
        click.echo(shown, color=detect_color() if sys.stdout.isatty() else None)
