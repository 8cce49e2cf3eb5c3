"""`devlab progress forget`."""

from __future__ import annotations

import json

import click
import msgspec
from click.shell_completion import CompletionItem

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import format_count, say
from scaffolder.cli.options import is_interactive, listing_format
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.text import sanitize_line
from scaffolder.progress import records

SCHEMA = "devlab.forgotten/1"


def _complete_kept_lab(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the labs of which something is kept."""
    names = sorted({one.key.lab for one in records.read_all().workspaces})
    return [CompletionItem(one) for one in names if one.startswith(incomplete) and " " not in one]


@click.command(
    "forget",
    epilog=format_examples(
        "devlab progress forget ci-pipeline",
        "devlab progress forget ci-pipeline --yes --format json",
        notes=(
            "Your files stay as they are; devlab progress export FILE keeps a copy of what is "
            "forgotten.",
        ),
    ),
)
@click.argument("lab", shell_complete=_complete_kept_lab)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@listing_format
def command(lab: str, yes: bool, form: str) -> None:
    """Forget what you did in LAB: attempts, passed tasks, hints.

    It concerns every workspace of the lab, and the lab need not be installed any more. The next
    check of a workspace counts as the first.
    """
    records.require_kept(lab)
    _require_consent(lab, yes)
    gone = records.forget(lab)
    # Here, since completing names need not wait for it.
    from scaffolder.grading.cache.reports import forget_reports
    from scaffolder.grading.cache.store import Kept

    forget_reports(Kept.of_this_user(), lab)
    if form == "json":
        document = {"schema": SCHEMA, "lab": lab, **msgspec.to_builtins(gone)}
        click.echo(json.dumps(document, indent=2))
        return
    say(
        f"forgotten of {sanitize_line(lab)}: {format_count(gone.workspaces, 'workspace')}, "
        f"{format_count(gone.attempts, 'check run')}, {format_count(gone.passed, 'passed task')}, "
        f"{format_count(gone.hints, 'hint')}"
    )


def _require_consent(lab: str, yes: bool) -> None:
    if yes:
        return
    if not is_interactive():
        raise DevlabError(
            "nobody is here to ask, so nothing was forgotten", hint="to go ahead: add --yes"
        )
    if not click.confirm(f"Forget all that you did in {sanitize_line(lab)}?", err=True):
        raise DevlabError("nothing was forgotten", exit_code=ExitCode.FAILED)
