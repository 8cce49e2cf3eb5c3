"""Make what the checks of one grading share: a copy of the work, notes, the lab's own answers."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from scaffolder.checks.context import Run, Shared
from scaffolder.core import paths, settings
from scaffolder.core.errors import DevlabError
from scaffolder.core.text import sanitize_line
from scaffolder.labs.generate import build_original_history, build_state
from scaffolder.labs.variables import list_work_variables, report_other_owner
from scaffolder.model import Lab, Task
from scaffolder.model.history import OriginalHistory
from scaffolder.sandbox import MakeSandbox
from scaffolder.tools.processes import CancelToken
from scaffolder.tools.slots import Slots
from scaffolder.workspace import Skipped, Workspace, copy_repository, take_snapshot

NOTES_SHOWN = 5


def prepare_run(
    lab: Lab,
    workspace: Workspace,
    tasks: Sequence[Task],
    folder: Path,
    cancel: CancelToken,
    make_sandbox: MakeSandbox,
) -> Run:
    """Copy the work into the `folder` of a new run and return what its checks share.

    `make_sandbox` makes what the work's commands run in. Raises DevlabError where the work cannot
    be copied.
    """
    variables = list_work_variables(lab, workspace.manifest)
    checks = tuple(spec for task in tasks for spec in task.checks)
    repository = None
    try:
        if any(spec.check.reads_history for spec in checks):
            repository = copy_repository(workspace.root, folder / "repository")
        skipped = take_snapshot(workspace.root, folder / "snapshot")
    except OSError as error:
        raise _cannot_copy(error, workspace) from error
    answer = "solution" if (lab.root / "solution").is_dir() else "start"

    def render(state: str, name: str) -> Path:
        build_state(lab, state, variables, folder / name)
        return folder / name

    def build_history() -> OriginalHistory:
        return build_original_history(lab, variables, folder / "history")

    scratch = folder / "scratch"
    scratch.mkdir()
    notes = note_beforehand(lab, workspace, skipped)
    run = Run(
        id=folder.name,
        snapshot=folder / "snapshot",
        scratch=scratch,
        lab_root=lab.root,
        variables=variables,
        faults=lab.faults,
        start=lambda: run.shared.get("start", lambda: render("start", "start")),
        reference=lambda: run.shared.get("reference", lambda: render(answer, "reference")),
        repository=repository,
        history=lambda: run.shared.get("history", build_history),
        sandbox=make_sandbox(scratch, notes.setdefault),
        lab_id=lab.id,
        trusted=lab.trusted,
        cancel=cancel,
        shared=Shared(cancel),
        slots=Slots(paths.locate_slots(), settings.read_jobs() or os.cpu_count() or 2, cancel),
        skipped=skipped,
        notes=notes,
        checks=checks,
    )
    return run


def note_beforehand(lab: Lab, workspace: Workspace, skipped: Sequence[Skipped]) -> dict[str, None]:
    """Return, in order, what a reader should know before they trust the report."""
    notes = []
    made_from = workspace.manifest.lab.version
    if made_from != lab.version:
        notes.append(
            f"made from version {made_from} of {lab.id}, checked by version {lab.version}; "
            "devlab update --dry-run tells what is new"
        )
    notes += report_other_owner(lab, workspace.manifest)
    shown = skipped[:NOTES_SHOWN]
    # A name need not be text, and no report could be written with one that is not.
    notes += [f"left out: {sanitize_line(entry.path)}, {entry.reason}" for entry in shown]
    if len(skipped) > NOTES_SHOWN:
        notes.append(f"left out: {len(skipped) - NOTES_SHOWN} more")
    return dict.fromkeys(notes)


def _cannot_copy(error: OSError, workspace: Workspace) -> DevlabError:
    if error.errno == errno.ENOSPC:
        return DevlabError(
            f"no space left in the temporary folder {paths.find_runs_folder().parent}",
            hint="make room there, or set TMPDIR to a folder with space",
        )
    return DevlabError(f"cannot copy {workspace.root}: {error}")
