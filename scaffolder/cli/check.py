"""`devlab check`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.examples import format_examples
from scaffolder.cli.options import add_learner_option, complete_task
from scaffolder.cli.output import add_to_named, deliver, output_option, require_writable
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.grading.cache import reports
from scaffolder.grading.cache.store import Kept
from scaffolder.model import Lab, Outcome, Report
from scaffolder.report import COMPANIONS, FORMATS, REPORTERS
from scaffolder.workspace import Workspace

EXIT_CODES = {
    Outcome.PASS: ExitCode.PASSED,
    Outcome.FAIL: ExitCode.FAILED,
    Outcome.UNAVAILABLE: ExitCode.UNGRADED,
}


@click.command(
    "check",
    epilog=format_examples(
        "devlab check",
        "devlab check --task red-on-lint --verbose",
        "devlab check --format json",
        notes=(
            "Exit codes: 0 every task passed; 1 a task failed; 2 wrong usage; 3 nothing failed, "
            "but something could not be graded; 130 interrupted.",
            "DEVLAB_JOBS limits how many pipelines run at a time (default: one per processor).",
        ),
    ),
)
@click.argument("directory", default=".", type=click.Path(path_type=Path))
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="ID",
    shell_complete=complete_task,
    help="Check only this task and what it needs (repeatable).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    metavar="FORMAT",
    help=f"One of {', '.join(FORMATS)}.",
)
@output_option
@add_learner_option(says="Grade as the lab of this learner, whomever the workspace says it is for.")
@click.option(
    "--no-cache", is_flag=True, help="Check everything anew, whatever has not changed since."
)
@click.option("-v", "--verbose", is_flag=True, help="Show the checks that passed as well.")
def command(
    directory: Path,
    tasks: tuple[str, ...],
    form: str,
    output: Path | None,
    learner: str,
    no_cache: bool,
    verbose: bool,
) -> int:
    """Check your work for real, and say what holds.

    DIRECTORY is the workspace, or a folder in it; without one, that is where you are.
    """
    _refuse_task(directory)
    found = workspace.find_workspace(directory)
    require_writable(output)
    kept = Kept.of_this_user(afresh=no_cache)
    known_as = reports.name(found, (learner, *tasks))
    known = reports.recall(kept, known_as, found.root) if known_as else None
    if known is None:
        report = _check(found, tasks, learner, form, kept)
    elif reports.is_told(kept, found, known.report):
        report = known.report
    else:
        report = _tell_again(found, learner, known.report)
    if form == "text":
        deliver(_for_people(report, verbose=verbose, to_file=bool(output)), output)
    else:
        deliver(REPORTERS[form](report), output)
        for variable, render in COMPANIONS.get(form, {}).items():
            add_to_named(variable, render(report))
    return int(EXIT_CODES[report.outcome])


def _refuse_task(directory: Path) -> None:
    """Say what was meant where a task is named, and a folder is asked for."""
    if len(directory.parts) != 1 or os.path.lexists(directory):
        return
    from scaffolder.core.suggest import suggest_name
    from scaffolder.labs import catalog

    try:
        lab = catalog.load_for_workspace(workspace.find_workspace(Path()).manifest, graded=False)
    except DevlabError:
        return
    name, tasks = str(directory), [task.id for task in lab.tasks]
    if name in tasks:
        raise DevlabError(
            f"{name} is a task of {lab.id} and no folder", hint=f"devlab check --task {name}"
        )
    if near := suggest_name(name, tasks):
        raise DevlabError(
            f"{name}: there is no such folder, and no such task{near}",
            hint="a task is named with: devlab check --task ID",
        )


def _for_people(report: Report, *, verbose: bool, to_file: bool) -> str:
    """Return a report as it is drawn on standard output, or as plain text for a file."""
    from scaffolder.report import terminal

    screen = terminal.make_console()
    if to_file or not screen.is_terminal:
        return terminal.render(report, verbose=verbose)
    with screen.capture() as captured:
        terminal.draw(report, screen, verbose=verbose)
    return captured.get()


def _check(found: Workspace, tasks: tuple[str, ...], learner: str, form: str, kept: Kept) -> Report:
    """Run what has to be run, show how it goes on, and write down what it came to."""
    from scaffolder.grading.grader import grade
    from scaffolder.grading.lifecycle import sweep_meanwhile
    from scaffolder.grading.remembering import keep_report
    from scaffolder.labs import catalog
    from scaffolder.report import terminal
    from scaffolder.report.live.progress import Checks, choose_display

    lab = catalog.load_for_workspace(found.manifest, learner=learner)
    screen = terminal.make_console(stderr=True)
    # What is drawn could end up before a workflow command on its line, and hide it from a runner.
    quiet = form in COMPANIONS or (form != "text" and not screen.is_terminal)
    with sweep_meanwhile(), choose_display(screen, Checks(), quiet=quiet) as listen:
        report = grade(lab, found, only=tasks, listen=listen, kept=kept)
    report = _with_news(found, lab, report)
    keep_report(
        lab,
        found,
        only=tasks,
        asked=(learner, *tasks),
        kept=Kept.of_this_user(),
    )
    return report


def _tell_again(found: Workspace, learner: str, report: Report) -> Report:
    """Return a report that is known, with what is new in it: something else was told meanwhile."""
    from scaffolder.labs import catalog

    lab = catalog.load_for_workspace(found.manifest, graded=False, learner=learner)
    return _with_news(found, lab, report)


def _with_news(found: Workspace, lab: Lab, report: Report) -> Report:
    """Write down what a report says, and return it with what is new in it."""
    from scaffolder.cli.notices import tell_records
    from scaffolder.progress.guide import tell_report

    report = tell_report(found, lab, report)
    reports.note_told(Kept.of_this_user(), found, report)
    tell_records()
    return report
