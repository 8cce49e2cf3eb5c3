"""Put back what a change that was killed left half done, before the next one begins."""

from __future__ import annotations

import click

from scaffolder import workspace
from scaffolder.report.text import harmless
from scaffolder.revision import edits
from scaffolder.workspace import Workspace


def recovered(found: Workspace) -> Workspace:
    """Return the workspace with its files as they were before a change that was killed."""
    kept = edits.recover(found)
    if kept is None:
        return found
    click.echo(
        f"the last {harmless(kept.command)} was stopped half-way; what it had changed is put back "
        f"from {harmless(kept.folder)}",
        err=True,
    )
    return workspace.find(found.root)
