"""`devlab update`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffolder import workspace
from scaffolder.cli import detect_color
from scaffolder.cli.examples import format_examples
from scaffolder.cli.options import listing_format, set_option
from scaffolder.core.errors import ExitCode
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.model import Lab

if TYPE_CHECKING:
    from scaffolder.revise.backups import Backup
    from scaffolder.revise.merge import Conflict
    from scaffolder.revise.update import Update

SCHEMA = "devlab.update/1"

_DECISIONS = {
    "marked": "you and the lab changed the same lines; both stand there",
    "beside": "cannot be merged; yours stays, the lab's is {beside}",
    "deleted-by-you": "you deleted it and the lab changed it; it is back",
    "deleted-by-lab": "the lab deleted it and you changed it; yours stays",
    "moved": "stands under another name now: the lab needs its own",
}
_STYLES = {"added": "green", "changed": "green", "removed": "yellow", "merged": "cyan"}


@click.command(
    "update",
    epilog=format_examples(
        "devlab update --dry-run",
        "devlab update",
        "devlab update --set port=9000",
        notes=(
            "Nothing is lost: what your files were is kept in .devlab/backups/ and named, and "
            "devlab reset --restore NAME brings it back. Your git history and index stay as they "
            "are.",
            "Exit codes: 0 done, or nothing to do; 1 there are conflicts for you to solve; 2 "
            "refused.",
        ),
    ),
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option(
    "--start-unknown",
    is_flag=True,
    help="Go on although nobody knows how this work began; whatever differs is a conflict.",
)
@set_option
@listing_format
def command(dry_run: bool, start_unknown: bool, settings: dict[str, str], form: str) -> int:
    """Bring the lab's later version into your work.

    What you did is kept. Files that you did not touch move ahead, those that you changed are
    merged. Where you and the lab changed the same lines, both stand in the file, marked as git
    marks them.
    """
    from scaffolder.cli.recovering import recover_workspace
    from scaffolder.revise import update

    found = workspace.find_workspace(Path())
    if not dry_run:
        found = recover_workspace(found)
    lab = catalog.load_for_workspace(found.manifest, graded=False)
    planned = update.plan_update(lab, found, settings, start_unknown=start_unknown)
    kept = planned.carry_out() if planned.needed and not dry_run else None
    if form == "json":
        click.echo(json.dumps(_document(lab, planned, kept, dry_run), indent=2))
    else:
        _tell(lab, planned, kept, dry_run)
    return int(ExitCode.FAILED if planned.conflicts else ExitCode.PASSED)


def _tell(lab: Lab, planned: Update, kept: Backup | None, dry_run: bool) -> None:
    if not planned.needed:
        _say(f"Nothing to do: this is {lab.id} {planned.new} already.")
        return
    moved = planned.new if planned.old == planned.new else f"{planned.old} → {planned.new}"
    _say(f"{lab.title}: {moved}{' (nothing is changed yet)' if dry_run else ''}", bold=True)
    _tell_changelog(planned)
    click.echo()
    _tell_files(planned)
    if kept is not None:
        click.echo(f"\nyour files as they were: {kept.folder}")
        click.echo(f"to undo it: devlab reset --restore {kept.name}")
    if planned.conflicts and not dry_run:
        click.echo("solve the conflicts, then: devlab check")


def _tell_changelog(planned: Update) -> None:
    for section in planned.changed:
        _say(f"\nversion {section.version}", bold=True)
        for line in section.text.splitlines():
            _say(f"  {line}")


def _tell_files(planned: Update) -> None:
    for word, paths in _happens(planned).items():
        for path in paths:
            _say(f"  {word:<8}  {path}", fg=_STYLES[word])
    for conflict in planned.conflicts:
        for place in _places(conflict):
            _say(f"  CONFLICT  {place}", fg="red")
        _say(f"            {_decision(conflict)}")
    if not planned.edits:
        _say("  no file of yours changes")


def _say(text: str, **style: object) -> None:
    shown = "\n".join(sanitize_line(line) for line in text.split("\n"))
    styled = click.style(shown, **style) if style else shown  # type: ignore[arg-type]
    click.echo(styled, color=detect_color() if sys.stdout.isatty() else None)


def _happens(planned: Update) -> dict[str, tuple[str, ...]]:
    """Return the files by what happens to them; those with conflicts are told apart."""
    from scaffolder.revise.edits import describe_edits

    told = {one.path for one in planned.conflicts} | {one.beside for one in planned.conflicts}
    merged = [path for path in planned.merged.both if path not in told]
    apart = told | set(merged)
    found = {
        word: tuple(path for path in paths if path not in apart)
        for word, paths in describe_edits(planned.edits).items()
    }
    return {**found, "merged": tuple(merged)}


def _places(conflict: Conflict) -> list[str]:
    return [f"{conflict.path}:{line}" for line in conflict.lines] or [conflict.path]


def _decision(conflict: Conflict) -> str:
    return _DECISIONS[conflict.what].format(beside=conflict.beside)


def _document(lab: Lab, planned: Update, kept: Backup | None, dry_run: bool) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "lab": lab.id,
        "from": planned.old,
        "to": planned.new,
        "dry_run": dry_run,
        "changelog": [{"version": one.version, "text": one.text} for one in planned.changed],
        "files": _happens(planned),
        "conflicts": [
            {
                "path": one.path,
                "what": one.what,
                "lines": list(one.lines),
                "beside": one.beside or None,
                "message": _decision(one),
            }
            for one in planned.conflicts
        ],
        "backup": kept and kept.folder,
    }
