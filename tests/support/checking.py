"""A run of its own for a test of kinds that need nothing but the learner's files."""

from __future__ import annotations

from pathlib import Path

from scaffolder.checks.context import Context, Run
from scaffolder.sandbox import OwnWork
from scaffolder.workspace import take_snapshot


def context_of(work: Path, scratch: Path) -> Context:
    """Return what a check would get, with a snapshot of `work` in the new folder `scratch`."""
    scratch.mkdir()
    skipped = take_snapshot(work, scratch / "snapshot")
    run = Run(
        id="test",
        snapshot=scratch / "snapshot",
        scratch=scratch,
        sandbox=OwnWork(scratch),
        lab_root=work,
        variables={},
        faults={},
        start=lambda: work,
        skipped=skipped,
    )
    return Context(run, "check", timeout=30)
