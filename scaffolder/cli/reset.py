"""`devlab reset`."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from scaffolder import workspace
from scaffolder.cli.diffs import echo_diffs
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import format_count, say
from scaffolder.cli.options import is_interactive
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog


def _complete_backup(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the names of the backups, the latest first."""
    from scaffolder.revise import backups

    try:
        known = backups.list_backups(workspace.find_workspace(Path()).root)
    except DevlabError:
        return []
    return [CompletionItem(one.name) for one in known if one.name.startswith(incomplete)]


@click.command(
    "reset",
    epilog=format_examples(
        "devlab reset",
        "devlab reset Dockerfile app",
        "devlab reset --yes",
        "devlab reset --restore 20260131-120000-reset",
        notes=(
            "Nothing is lost: what your files were is kept in .devlab/backups/ and named. Files "
            "of your own are left alone unless you name them. Commits, branches and tags stay as "
            "they are: to have a lab's history anew, begin in another folder with devlab new.",
        ),
    ),
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--restore",
    metavar="BACKUP",
    shell_complete=_complete_backup,
    help="Bring back what a reset or an update changed instead.",
)
def command(files: tuple[str, ...], yes: bool, restore: str | None) -> None:
    """Bring files back to how the lab began.

    Those that are named, or all of the start. A folder stands for the start's files in it. What
    would change is shown first.
    """
    found = workspace.find_workspace(Path())
    from scaffolder.cli.recovering import recover_workspace
    from scaffolder.revise import reference

    if restore is not None and files:
        raise click.UsageError("--restore brings back a whole backup: name no FILE with it")
    found = recover_workspace(found)
    if restore is None:
        named = [reference.resolve_named_path(found, file) for file in files]
        planned = reference.plan_reset(
            lambda: catalog.load_for_workspace(found.manifest), found, named
        )
    else:
        planned = reference.plan_restore(found, restore)
    if not planned.edits:
        click.echo("Nothing to do: your files are that already.")
        return
    echo_diffs(planned.files)
    _require_consent(len(planned.edits), yes)
    kept = planned.carry_out()
    say(
        f"{format_count(len(planned.edits), 'file')} brought back; "
        f"what was there is in {kept.folder}"
    )
    click.echo(f"to undo it: devlab reset --restore {sanitize_line(kept.name)}")


def _require_consent(count: int, yes: bool) -> None:
    if yes:
        return
    if not is_interactive():
        raise DevlabError(
            "nobody is here to ask, so nothing was changed", hint="to go ahead: add --yes"
        )
    question = f"Change {'this file' if count == 1 else f'these {count} files'}?"
    if not click.confirm(question, err=True):
        raise DevlabError("nothing was changed", exit_code=ExitCode.FAILED)
