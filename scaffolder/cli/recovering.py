"""Put back what a change that was killed left half done, before the next one begins."""

from __future__ import annotations

from scaffolder import workspace
from scaffolder.cli.layout import say
from scaffolder.core.text import sanitize_line
from scaffolder.revise import edits
from scaffolder.workspace import Workspace


def recover_workspace(found: Workspace) -> Workspace:
    """Return the workspace with its files as they were before a change that was killed."""
    recovery = edits.recover(found)
    if recovery is None:
        return found
    begun = recovery.begun
    say(
        f"the last {sanitize_line(begun.command)} was stopped half-way; "
        "what it had changed is put back "
        f"from {sanitize_line(begun.folder)}",
        err=True,
    )
    for kept in recovery.until_now:
        # It may hold what was done since.
        say(
            f"what stood there until now is in {sanitize_line(kept.folder)}\n"
            f"to have that again: devlab reset --restore {sanitize_line(kept.name)}",
            err=True,
        )
    return workspace.find_workspace(found.root)
