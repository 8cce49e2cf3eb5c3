"""`devlab check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.examples import examples
from scaffolder.cli.options import complete_task, learner_option
from scaffolder.cli.output import add_to_named, deliver, output_option, require_writable
from scaffolder.errors import ExitCode
from scaffolder.keeping import reports
from scaffolder.keeping.store import Kept
from scaffolder.model import Outcome, Report
from scaffolder.report import COMPANIONS, FORMATS
from scaffolder.workspace import Workspace

EXIT_CODES = {
    Outcome.PASS: ExitCode.PASSED,
    Outcome.FAIL: ExitCode.FAILED,
    Outcome.UNAVAILABLE: ExitCode.UNGRADED,
}


@click.command(
    "check",
    epilog=examples(
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
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@output_option
@learner_option(says="Grade as the lab of this learner, whomever the workspace says it is for.")
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
    found = workspace.find(directory)
    require_writable(output)
    kept = Kept.of_this_user(afresh=no_cache)
    known_as = reports.name(found, (learner, *tasks))
    known = reports.recall(kept, known_as) if known_as else None
    if known is not None and not verbose and _plain(form, output):
        deliver(known.text, output)
        return int(EXIT_CODES[known.report.outcome])
    report = known.report if known else _check(found, tasks, learner, form, kept)
    _print(report, form, output, verbose)
    return int(EXIT_CODES[report.outcome])


def _plain(form: str, output: Path | None) -> bool:
    """Whether the report is for people but not for a terminal."""
    return form == "text" and (output is not None or not sys.stdout.isatty())


def _check(found: Workspace, tasks: tuple[str, ...], learner: str, form: str, kept: Kept) -> Report:
    """Run what has to be run, show how it goes on, and write down what it came to."""
    from scaffolder import catalog, grading, records
    from scaffolder.cli.notices import tell_records
    from scaffolder.report import terminal
    from scaffolder.report.progress import Checks, progress

    lab = catalog.load_of(found.manifest, learner=learner)
    screen = terminal.console(stderr=True)
    # What is drawn could end up before a workflow command on its line, and hide it from a runner.
    quiet = form in COMPANIONS or (form != "text" and not screen.is_terminal)
    with grading.sweeping(), progress(screen, Checks(), quiet=quiet) as listen:
        report = grading.grade(lab, found, only=tasks, listen=listen, kept=kept)
    records.note_report(found, lab, report)
    tell_records()
    grading.keep_report(
        lab,
        found,
        only=tasks,
        asked=(learner, *tasks),
        kept=Kept.of_this_user(),
        render=terminal.render,
    )
    return report


def _print(report: Report, form: str, output: Path | None, verbose: bool) -> None:
    from scaffolder.report import REPORTERS, terminal

    screen = terminal.console()
    if form == "text" and output is None and screen.is_terminal:
        terminal.draw(report, screen, verbose=verbose)
        return
    text = (
        REPORTERS[form](report) if form in REPORTERS else terminal.render(report, verbose=verbose)
    )
    deliver(text, output)
    for variable, render in COMPANIONS.get(form, {}).items():
        add_to_named(variable, render(report))
