"""`devlab progress`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from scaffolder.cli import LazyGroup
from scaffolder.cli.examples import format_examples
from scaffolder.cli.notices import tell_records
from scaffolder.cli.output import deliver, output_option, require_writable
from scaffolder.labs import catalog
from scaffolder.progress import records
from scaffolder.progress.standing import compute_standing
from scaffolder.report.standing import FORMATS, PICTURES

COMMANDS = {
    "export": "scaffolder.cli.progress_export",
    "forget": "scaffolder.cli.progress_forget",
    "import": "scaffolder.cli.progress_import",
}


@click.group(
    "progress",
    cls=LazyGroup,
    modules=COMMANDS,
    invoke_without_command=True,
    epilog=format_examples(
        "devlab progress",
        "devlab progress --format html --output skills.html",
        "devlab progress export progress.json",
        "devlab progress forget ci-pipeline",
        notes=(
            "What counts for a skill: the points of tasks that passed, in every lab with that "
            "skill.",
        ),
    ),
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@output_option
@click.pass_context
def command(ctx: click.Context, form: str, output: Path | None) -> None:
    """Draw the skills that you gained, and move or forget progress."""
    if ctx.invoked_subcommand is not None:
        return
    require_writable(output)
    standing = compute_standing(catalog.survey().labs, records.read_all())
    tell_records()
    if form in PICTURES:
        deliver(PICTURES[form](standing, datetime.now(UTC)), output)
        return
    from scaffolder.report.standing.text import draw, render
    from scaffolder.report.terminal import make_console

    screen = make_console()
    if output is None and screen.is_terminal:
        draw(standing, screen)
    else:
        deliver(render(standing), output)
