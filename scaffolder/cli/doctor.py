"""`devlab doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from scaffolder.cli.examples import format_examples
from scaffolder.cli.options import complete_lab, listing_format
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.model.readiness import LabReadiness, Readiness

if TYPE_CHECKING:
    from scaffolder.doctor import LabNeeds


@click.command(
    "doctor",
    epilog=format_examples(
        "devlab doctor",
        "devlab doctor ci-pipeline --format json",
        "devlab doctor --fetch",
        "devlab doctor --offline",
        notes=(
            "Exit codes: 0 all that is needed is there; 2 wrong usage; 3 something is missing, "
            "so that a task would be ungraded, or could not be fetched; 130 interrupted.",
        ),
    ),
)
@click.argument("lab", required=False, shell_complete=complete_lab)
@click.option(
    "--offline",
    is_flag=True,
    help="Ask nobody on any network; what is not here counts as missing.",
)
@click.option(
    "--fetch",
    "fetching",
    is_flag=True,
    help="First get images, wheels and Terraform's provider, for a time without a network.",
)
@click.option(
    "--replace-standins",
    is_flag=True,
    help="With --fetch: pull the real image where a stand-in is here.",
)
@listing_format
def command(
    lab: str | None, offline: bool, fetching: bool, replace_standins: bool, form: str
) -> int:
    """Look for what labs need, and say how to get what is missing.

    LAB is an id or a lab folder; without one, the lab of the workspace here, or all labs. Nothing
    is installed, started or changed: the commands are for you. Where something is not here that
    is fetched on use, it is asked whether it can be: of the image registry, by the engine, or of
    the package index, by connecting to it.
    """
    if fetching and offline:
        raise click.UsageError("--fetch needs a network, --offline goes without: choose one")
    # Here, so that completing a lab's name need not wait for them.
    from scaffolder import doctor
    from scaffolder.report import terminal

    screen = terminal.make_console(stderr=True)
    with screen.status("looking at what the labs need"):
        labs, broken = _needs(lab)
    whole = _fetch(labs, replace_standins, quiet=form != "text") if fetching else True
    with screen.status("looking at this machine"):
        found = doctor.examine_labs(labs, offline=offline or fetching)
    found = msgspec.structs.replace(found, labs=(*found.labs, *broken))
    _print(found, form)
    return int(ExitCode.PASSED if found.complete and whole else ExitCode.UNGRADED)


def _needs(name: str | None) -> tuple[list[LabNeeds], list[LabReadiness]]:
    """Return what the labs that are meant need, and those of them that cannot be read."""
    from scaffolder import workspace
    from scaffolder.doctor import list_needs
    from scaffolder.labs import catalog

    if name is not None:
        return [list_needs(catalog.load_lab(name))], []
    try:
        found = workspace.find_workspace(Path())
    except workspace.NoWorkspaceError:
        return _needs_of_all()
    return [list_needs(catalog.load_for_workspace(found.manifest), found)], []


def _needs_of_all() -> tuple[list[LabNeeds], list[LabReadiness]]:
    from scaffolder.doctor import list_needs
    from scaffolder.labs import catalog

    needs: list[LabNeeds] = []
    broken: list[LabReadiness] = []
    for name in catalog.list_lab_ids():
        try:
            needs.append(list_needs(catalog.load_lab(name)))
        except DevlabError as error:
            broken.append(LabReadiness(name, "", 0, 0, problem=error.message))
    return needs, broken


def _fetch(labs: Sequence[LabNeeds], replace_standins: bool, *, quiet: bool) -> bool:
    from scaffolder import doctor
    from scaffolder.report import terminal
    from scaffolder.report.doctor import Fetches
    from scaffolder.report.live.progress import choose_display

    screen = terminal.make_console(stderr=True)
    with choose_display(screen, Fetches(), quiet=quiet and not screen.is_terminal) as listen:
        return doctor.fetch_needs(labs, listen, replace_standins=replace_standins)


def _print(found: Readiness, form: str) -> None:
    from scaffolder.report import doctor as report
    from scaffolder.report import terminal

    target = terminal.make_console()
    if form == "json":
        click.echo(report.make_document(found), nl=False)
    elif target.is_terminal:
        report.draw(found, target)
    else:
        click.echo(report.render(found), nl=False)
