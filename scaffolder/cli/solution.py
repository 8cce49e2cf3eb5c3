"""`devlab solution`."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.diffs import echo_diffs, make_diff_documents
from scaffolder.cli.examples import format_examples
from scaffolder.cli.notices import tell_records
from scaffolder.cli.options import complete_alternative, complete_task, listing_format
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.labs.generate import require_alternative
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
        "devlab solution --annotated",
        "devlab solution --other",
        notes=(
            "A line with - is yours, one with + the reference answer's. Of a task, the files are "
            "shown that its checks read. A task that never passed is checked first; with "
            "--give-up nothing is.",
        ),
    ),
)
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("--give-up", is_flag=True, help="Show it although the task does not pass.")
@click.option("--annotated", is_flag=True, help="Show the answer itself, with a word on each part.")
@click.option(
    "--other",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[NAME]",
    shell_complete=complete_alternative,
    help="Show another right answer; without NAME, which there are.",
)
@listing_format
def command(task: str | None, give_up: bool, annotated: bool, other: str | None, form: str) -> None:
    """Show how your files differ from the reference answer.

    For all tasks, or for TASK. It is one right answer of many: yours may be as good.
    """
    if annotated and other is not None:
        raise click.UsageError("--annotated is about the reference answer, --other about another")
    found = workspace.find_workspace(Path())
    lab = catalog.load_for_workspace(found.manifest)
    if task is not None:
        require_task(lab, task)
    if other:
        require_alternative(lab, other)
    if not give_up:
        again = [*([task] if task else []), *_options(annotated, other)]
        _require_passed(lab, found, task, " ".join(["devlab solution", *again, "--give-up"]))
    from scaffolder.cli import solution_answers

    if annotated:
        solution_answers.show_annotated(lab, found, task, form)
    elif other == "":
        solution_answers.show_alternatives(lab, form)
    else:
        _show_diff(lab, found, task, other or "", form)


def _options(annotated: bool, other: str | None) -> list[str]:
    """Return the options of ours that were given, to be typed again."""
    named = [] if other is None else ["--other", *([shlex.quote(other)] if other else [])]
    return ["--annotated"] if annotated else named


def _show_diff(lab: Lab, found: Workspace, task: str | None, other: str, form: str) -> None:
    from scaffolder.revise import reference

    files = reference.compare_solution(lab, found, task, other)
    if form == "json":
        document = {
            "schema": SCHEMA,
            "lab": {"id": lab.id, "version": lab.version},
            "task": task,
            "other": other or None,
            "files": make_diff_documents(files),
            "steps": dict(reference.list_solution_steps(lab, task, other)),
        }
        click.echo(json.dumps(document, indent=2))
        return
    echo_diffs(files)
    steps = reference.list_solution_steps(lab, task, other)
    what = f"the answer {other}" if other else "the reference answer"
    for name, text in steps.items():
        # Not into what somebody pipes to git apply.
        click.echo(f"\n# {name}: what {what} does in the shell", err=True)
        click.echo("\n".join(map(sanitize_line, text.splitlines())), err=True)
    if not files and not steps:
        click.echo(f"Your files are those of {what}.", err=True)
    elif sys.stdout.isatty():
        click.echo(f"\n- yours, + {what}: one right answer of many", err=True)


def _require_passed(lab: Lab, found: Workspace, wanted: str | None, again: str) -> None:
    """Raise DevlabError, kindly, unless what is asked about has passed once or does now.

    `again` is the command that shows it all the same.
    """
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
