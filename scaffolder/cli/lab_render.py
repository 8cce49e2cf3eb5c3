"""`devlab lab render`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.options import add_learner_option, lab_argument, set_option
from scaffolder.labs import catalog
from scaffolder.labs.variables import require_free
from scaffolder.proving.states import build_state
from scaffolder.workspace import RENDERED


@click.command(
    "render",
    epilog=format_examples(
        "devlab lab render ci-pipeline /tmp/solved --state solution",
    ),
)
@lab_argument
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--state",
    default="start",
    show_default=True,
    metavar="STATE",
    help="start, solution, alternative:NAME, mistake:NAME, mutant:ID or copied:LEARNER.",
)
@set_option
@add_learner_option(says="Render the lab as this learner has it.")
def command(lab: str, directory: Path, state: str, settings: dict[str, str], learner: str) -> None:
    """Write a state of a lab into the new folder DIRECTORY."""
    found = catalog.load_lab(lab, graded=state.startswith("mistake:"), learner=learner)
    require_free(found, settings)
    build_state(found, state, settings, directory.absolute())
    (directory / RENDERED).write_text(f"{state}\n", "utf-8")
    click.echo(f"{lab}, {state}: {directory}")
