"""`devlab check`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from scaffolder import catalog, grading, workspace
from scaffolder.cli.options import complete_task
from scaffolder.errors import DevlabError, ExitCode
from scaffolder.model import Outcome, Report
from scaffolder.report import FORMATS, REPORTERS, terminal
from scaffolder.report.progress import progress

_EXIT_CODES = {
    Outcome.PASS: ExitCode.PASSED,
    Outcome.FAIL: ExitCode.FAILED,
    Outcome.UNAVAILABLE: ExitCode.UNGRADED,
}


@click.command(
    "check",
    epilog="Examples: devlab check    devlab check --task lint-gate --verbose    "
    "devlab check --format json\n\n"
    "Exit codes: 0 every task passed; 1 a task failed; 2 wrong usage; 3 nothing failed, but "
    "something could not be graded; 130 interrupted.\n\n"
    "DEVLAB_JOBS limits how many pipelines run at a time (default: one per processor).",
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
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file instead of the screen.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the checks that passed as well.")
def command(
    directory: Path, tasks: tuple[str, ...], form: str, output: Path | None, verbose: bool
) -> int:
    """Check the workspace that DIRECTORY lies in, for real, and say what holds."""
    found = workspace.find(directory)
    lab = catalog.load(found.manifest.lab.id)
    _refuse_unwritable(output)
    screen = terminal.console(stderr=True)
    quiet = form != "text" and not screen.is_terminal
    with grading.sweeping(), progress(screen, quiet=quiet) as listen:
        report = grading.grade(lab, found, only=tasks, listen=listen)
    _print(report, form, output, verbose)
    return int(_EXIT_CODES[report.outcome])


def _refuse_unwritable(output: Path | None) -> None:
    """Say before the work, not after it, that its result cannot be written."""
    if output is None:
        return
    folder = output.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise DevlabError(f"cannot write {output}: {folder} is no folder that can be written to")


def _print(report: Report, form: str, output: Path | None, verbose: bool) -> None:
    screen = terminal.console()
    if form == "text" and output is None and screen.is_terminal:
        terminal.draw(report, screen, verbose=verbose)
        return
    text = (
        REPORTERS[form](report) if form in REPORTERS else terminal.render(report, verbose=verbose)
    )
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise DevlabError(f"cannot write {output}: {error.strerror}") from error
