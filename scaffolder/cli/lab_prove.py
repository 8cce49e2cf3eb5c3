"""`devlab lab prove`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.options import complete_lab
from scaffolder.cli.output import deliver, output_option, require_writable
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.grading.lifecycle import sweep_meanwhile
from scaffolder.labs import catalog
from scaffolder.model import Outcome
from scaffolder.model.proofs import LabProof
from scaffolder.proving import memory as remembered
from scaffolder.proving.ledger import Ledger
from scaffolder.proving.prover import prove_labs
from scaffolder.proving.touched import find_touched_labs
from scaffolder.report import proof, terminal
from scaffolder.report.live.progress import Cases, choose_display
from scaffolder.report.proof_documents import DOCUMENTS


@click.command(
    "prove",
    epilog=format_examples(
        "devlab lab prove ci-pipeline",
        "devlab lab prove --changed origin/main",
        "devlab lab prove ./labs/mine --only 'mistake:*'",
        notes=(
            "Exit codes: 0 every promise holds; 1 one is broken; 2 wrong usage; 3 none is "
            "broken, but something could not be tried here; 130 interrupted.",
        ),
    ),
)
@click.argument("labs", nargs=-1, metavar="[LAB]...", shell_complete=complete_lab)
@click.option("--all", "everything", is_flag=True, help="Prove every lab that devlab list shows.")
@click.option(
    "--changed",
    metavar="REF",
    help="Prove only the labs that differ from this commit or branch, with what they are made of.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="STATE",
    help="Grade only these states, as 'mistake:runs-as-root' or 'mutant:*' (repeatable).",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="How many to grade at a time  [default: processors]."
)
@click.option("--no-cache", is_flag=True, help="Grade everything anew, whatever was graded before.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *DOCUMENTS]),
    default="text",
    show_default=True,
    help="For people, for programs, or for the docs.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write down which answers hold, and all that decides about each, so that tests can tell "
    "what need not be graded anew.",
)
@output_option
@click.option("-v", "--verbose", is_flag=True, help="Show what holds as well, and why.")
def command(  # noqa: PLR0913, PLR0917 -- one for each option
    labs: tuple[str, ...],
    everything: bool,
    changed: str | None,
    only: tuple[str, ...],
    jobs: int | None,
    no_cache: bool,
    form: str,
    ledger: Path | None,
    output: Path | None,
    verbose: bool,
) -> int:
    """Prove that the grading of labs is right.

    Every answer that is known is graded for real. The start must earn nothing, the solution and
    every alternative full marks, each mistake must fail exactly the checks that it names, and no
    mutant that devlab makes from the solution may score full marks unexplained. LAB is an id or a
    lab folder; without one, those of the folder labs/ here, or all. An answer that was graded
    before is not graded again, unless something that decides about it has changed; the solution
    always is.
    """
    require_writable(output)
    require_writable(ledger)
    noted = Ledger(ledger) if ledger else None
    names = _names(labs, everything, changed)
    if not names:
        click.echo(f"no lab differs from {changed}", err=True)
        return int(ExitCode.PASSED)
    screen = terminal.make_console(stderr=True)
    quiet = form != "text" and output is None and not screen.is_terminal
    with sweep_meanwhile(), choose_display(screen, Cases(), quiet=quiet) as listen:
        proofs = prove_labs(
            names,
            only=only,
            jobs=jobs,
            memory=remembered.find_default_folder(),
            afresh=no_cache,
            listen=listen,
        )
    if noted is not None:
        noted.record(proofs)
    _print(proofs, form, output, verbose)
    return int(_exit_code(proofs))


def _names(labs: Sequence[str], everything: bool, changed: str | None) -> tuple[str, ...]:
    if labs and everything:
        raise DevlabError("name labs or say --all, not both")
    names = tuple(labs) or (catalog.list_lab_ids() if everything else catalog.list_nearby_labs())
    return names if changed is None else find_touched_labs(names, changed)


def _print(proofs: Sequence[LabProof], form: str, output: Path | None, verbose: bool) -> None:
    screen = terminal.make_console()
    if form == "text" and output is None and screen.is_terminal:
        proof.draw(proofs, screen, verbose=verbose)
        return
    made = DOCUMENTS[form](proofs) if form in DOCUMENTS else proof.render(proofs, verbose=verbose)
    deliver(made, output)


def _exit_code(proofs: Sequence[LabProof]) -> ExitCode:
    outcomes = {one.outcome for one in proofs}
    if Outcome.FAIL in outcomes:
        return ExitCode.FAILED
    return ExitCode.UNGRADED if Outcome.UNAVAILABLE in outcomes else ExitCode.PASSED
