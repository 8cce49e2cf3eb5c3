"""`devlab hint`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.notices import tell_records
from scaffolder.cli.options import complete_task, listing_format
from scaffolder.labs import catalog
from scaffolder.labs.lab_file import require_task
from scaffolder.model import Lab, Outcome, Report
from scaffolder.progress import hints, records
from scaffolder.progress.hints import Advice
from scaffolder.report import hint, terminal
from scaffolder.workspace import Workspace


@click.command(
    "hint",
    epilog=format_examples(
        "devlab hint",
        "devlab hint stops-gracefully",
        "devlab hint stops-gracefully --all",
        notes=(
            "Hints are chosen by why the task fails, where the lab has one for that. What you "
            "have used is remembered and costs nothing.",
        ),
    ),
)
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("--all", "again", is_flag=True, help="Show the hints that you have had, again.")
@listing_format
def command(task: str | None, again: bool, form: str) -> None:
    """Give the next hint for the first failing task, or for TASK."""
    found = workspace.find_workspace(Path())
    lab = catalog.load_for_workspace(found.manifest)
    if task is not None:
        require_task(lab, task)
    report = _why(lab, found, task)
    advice = _advise(lab, found, report, task)
    if advice is not None and advice.hint is not None and not again:
        records.use_hint(found, advice.task.id, advice.hint.number)
    if form == "json":
        click.echo(hint.make_document(advice), nl=False)
    elif advice is None:
        say(_all_is_well(report, task))
    else:
        _draw(advice, again=again)
    tell_records()


def _why(lab: Lab, found: Workspace, wanted: str | None) -> Report:
    """Return a report that tells why a task fails: the last one if it still holds, or a new one.

    As little is checked as tells it: the task that was asked about, or one after the other of those
    that failed the last time, until one fails.
    """
    last = records.read_last_report(found)
    if (
        last is not None
        and _tells(last, lab, wanted)
        and _holds(last, last.when.timestamp() - last.seconds, lab, found)
    ):
        return last
    if wanted is not None:
        return _check(lab, found, wanted)
    told = _kept_failure(lab, found)
    if told is not None:
        return told
    known = {task.id for task in lab.tasks}
    for result in hints.list_failing_tasks(last) if last is not None else ():
        if result.id in known:
            report = _check(lab, found, result.id)
            if any(hints.list_failing_tasks(report)):
                return report
    return _check(lab, found)


def _kept_failure(lab: Lab, found: Workspace) -> Report | None:
    """Return a report on the first task that is known to fail as the work is now.

    A narrow check says nothing of the other tasks, and checks before it did: what they came to is
    kept, and nothing has to run. None where no task is known to fail.
    """
    from scaffolder.grading.cache.store import Kept
    from scaffolder.grading.grader import recall_report

    kept = Kept.of_this_user()
    for task in lab.tasks:
        report = recall_report(lab, found, only=[task.id], kept=kept)
        if report is not None and any(hints.list_failing_tasks(report)):
            return report
    return None


def _tells(report: Report, lab: Lab, wanted: str | None) -> bool:
    """Whether a report says enough: one of a few tasks that pass says nothing of the others."""
    if wanted is not None:
        return hints.find_result(report, wanted) is not None
    return any(hints.list_failing_tasks(report)) or len(report.tasks) == len(lab.tasks)


def _holds(report: Report, began: float, lab: Lab, found: Workspace) -> bool:
    """Whether a report that was begun then is of this lab and of the work as it is now."""
    same = (report.lab_id, report.lab_version) == (lab.id, lab.version)
    if lab.reads_history and workspace.has_history_changed_since(found.root, began):
        return False
    return same and not workspace.has_changed_since(found.root, began)


def _check(lab: Lab, found: Workspace, *only: str) -> Report:
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
        report = grade(lab, found, only=only, listen=listen, kept=kept)
    records.note_report(found, lab, report)
    return report


def _advise(lab: Lab, found: Workspace, report: Report, wanted: str | None) -> Advice | None:
    """Return what to say about the task that holds the learner up; None where none does."""
    result = hints.find_hint_task(lab, report, wanted)
    if result is None:
        return None
    used = records.list_used_hints(found, result.id)
    return Advice(
        lab_id=lab.id,
        task=result,
        hint=hints.choose_next_hint(lab, result.id, report, used),
        used=hints.list_used_hints(lab, result.id, report, used),
        waiting=wanted if wanted is not None and wanted != result.id else "",
    )


def _draw(advice: Advice, *, again: bool) -> None:
    screen = terminal.make_console()
    if screen.is_terminal:
        hint.draw(advice, screen, again=again)
    else:
        click.echo(hint.render(advice, again=again), nl=False)


def _all_is_well(report: Report, wanted: str | None) -> str:
    if wanted is not None:
        return f"{wanted} passes and needs no hint."
    ungraded = [task.id for task in report.tasks if task.outcome is not Outcome.PASS]
    if ungraded:
        return (
            f"Nothing fails, but {', '.join(ungraded)} could not be graded here.\n"
            f"For a hint all the same: devlab hint {ungraded[0]}"
        )
    passed = [task.id for task in report.tasks]
    return f"No task fails: {', '.join(passed)} pass{'es' if len(passed) == 1 else ''}."
