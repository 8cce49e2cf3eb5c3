"""`devlab watch`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scaffolder import workspace
from scaffolder.cli.check import EXIT_CODES
from scaffolder.cli.examples import format_examples
from scaffolder.cli.notices import tell_records
from scaffolder.grading.lifecycle import sweep_meanwhile
from scaffolder.labs import catalog
from scaffolder.report import terminal


@click.command(
    "watch",
    epilog=format_examples(
        "devlab watch",
        "devlab watch ~/ci-pipeline",
        "devlab watch > log",
        notes=(
            "Keys: h hint, n next failing task, a check all, s solution, r reset a file, ? help, "
            "q quit; the arrows scroll. Without a terminal it prints lines, until Ctrl-C or "
            "SIGTERM.",
            "Exit codes: q ends as devlab check would, 3 where something is not checked since "
            "the last save; 130 interrupted.",
        ),
    ),
)
@click.argument("directory", default=".", type=click.Path(path_type=Path))
def command(directory: Path) -> int:
    """Check your work on every save, and show what holds.

    DIRECTORY is the workspace, or a folder in it; without one, that is where you are.
    """
    found = workspace.find_workspace(directory)
    lab = catalog.load_for_workspace(found.manifest)
    from scaffolder import watch
    from scaffolder.report.live.watch_screen import Screen, WatchLines

    target = terminal.make_console()
    whole = target.is_terminal and not target.is_dumb_terminal and sys.stdin.isatty()
    if not whole:
        click.echo(f"watching {found.root}; Ctrl-C ends", err=True)
    with sweep_meanwhile():
        end = watch.run_loop(
            found.root,
            lab,
            Screen(target) if whole else WatchLines(target),
            watch.Keyboard(sys.stdin.fileno()) if whole else None,
            lambda: click.echo("ending what runs ...", err=True),
        )
    score = end.score
    click.echo(f"{score.earned} of {score.gradable} points")
    tell_records()
    return int(EXIT_CODES[end.outcome])
