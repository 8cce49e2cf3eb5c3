"""`devlab solution`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.diffs import echo_diffs, make_diff_documents
from scaffolder.cli.examples import format_examples
from scaffolder.cli.notices import tell_records
from scaffolder.cli.options import complete_task, listing_format
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.labs.lab_file import require_task
from scaffolder.model import Lab, Outcome, Report
from scaffolder.progress import records
from scaffolder.report import terminal
from scaffolder.workspace import Workspace

SCHEMA = "devlab.solution/1"


@click.command(
    "solution",
    epilog=format_examples(
        "devlab solution red-on-lint",
        "devlab solution --give-up",
        "devlab solution | git apply",
        notes=(
            "A line with - is yours, one with + the reference answer's. Of a task, the files are "
            "shown that its checks read. A task that never passed is checked first; with "
            "--give-up nothing is.",
        ),
    ),
)
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("--give-up", is_flag=True, help="Show it although the task does not pass.")
@listing_format
def command(task: str | None, give_up: bool, form: str) -> None:
    """Show how your files differ from the reference answer.

    For all tasks, or for TASK. It is one right answer of many: yours may be as good.
    """
    found = workspace.find_workspace(Path())
    lab = catalog.load_for_workspace(found.manifest)
    if task is not None:
        require_task(lab, task)
    if not give_up:
        _require_passed(lab, found, task)
    from scaffolder.revise import reference

    files = reference.compare_solution(lab, found, task)
    if form == "json":
        document = {
            "schema": SCHEMA,
            "lab": {"id": lab.id, "version": lab.version},
            "task": task,
            "files": make_diff_documents(files),
            "steps": dict(reference.list_solution_steps(lab, task)),
        }
        click.echo(json.dumps(document, indent=2))
        return
    echo_diffs(files)
    steps = reference.list_solution_steps(lab, task)
    for name, text in steps.items():
        # Not into what somebody pipes to git apply.
        click.echo(f"\n# {name}: what the reference answer does in the shell", err=True)
        click.echo("\n".join(map(sanitize_line, text.splitlines())), err=True)
    if not files and not steps:
        click.echo("Your files are those of the reference answer.", err=True)
    elif sys.stdout.isatty():
        click.echo("\n- yours, + the reference answer: one right answer of many", err=True)


def _require_passed(lab: Lab, found: Workspace, wanted: str | None) -> None:
    """Raise DevlabError, kindly, unless what is asked about has passed once or does now."""
    tasks = [wanted] if wanted is not None else [task.id for task in lab.tasks]
    passed = _passed_once(found)
    left = [task for task in tasks if task not in passed]
    if not left:
        return
    report = _check(lab, found, left)
    failing = {one.id: one for one in report.tasks if one.id in left and one.earned < one.points}
    if not failing:
        return
    name = next(iter(failing))
    others = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
    again = " ".join(["devlab solution", *([wanted] if wanted else []), "--give-up"])
    if any(one.outcome in (Outcome.FAIL, Outcome.BLOCKED) for one in failing.values()):
        raise DevlabError(
            f"{name} does not pass yet{others}, and the answer is yours to find",
            hint=f"for a nudge: devlab hint {name}\nto see the answer all the same: {again}",
            exit_code=ExitCode.FAILED,
        )
    raise DevlabError(
        f"{name} cannot be graded here{others}, so nobody can say whether it passes",
        hint=f"what is missing: devlab check --task {name}\n"
        f"to see the answer all the same: {again}",
        exit_code=ExitCode.FAILED,
    )


def _passed_once(found: Workspace) -> frozenset[str]:
    key = records.make_key(found)
    passed = {
        task for one in records.read_all().workspaces if one.key == key for task in one.passed
    }
    tell_records()
    return frozenset(passed)


def _check(lab: Lab, found: Workspace, tasks: list[str]) -> Report:
    from scaffolder.grading.cache.store import Kept
    from scaffolder.grading.grader import grade
    from scaffolder.grading.lifecycle import sweep_meanwhile
    from scaffolder.report.live.progress import Checks, choose_display

    screen = terminal.make_console(stderr=True)
    with (
        sweep_meanwhile(),
        choose_display(screen, Checks(), quiet=not screen.is_terminal) as listen,
    ):
        kept = Kept.of_this_user(afresh=False)
        report = grade(lab, found, only=tasks, listen=listen, kept=kept)
    records.note_report(found, lab, report)
    return report
