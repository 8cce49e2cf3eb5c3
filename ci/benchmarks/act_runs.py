"""Record the act runs of a check of ci-pipeline, so that they can be run again without it.

    python act_runs.py WORKSPACE FOLDER

What a run needs (a repository with a bug in it, the event, stand-ins for actions, wheels) lies in
the folder of the check, which ends with the check. So it is kept in FOLDER, and `restore` puts it
back where it was: commands and environments name those places. TMPDIR must name a folder that no
other devlab uses, for it would be swept there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from scaffolder import workspace
from scaffolder.checks.github import act
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.model import Outcome
from scaffolder.sandbox import Command, OwnWork
from scaffolder.tools.processes import CancelToken, Completed

RUNS, WHERE, KEPT = "runs.json", "where.json", "scratch"
# Names a place in the folder that all runs share; that is kept once.
SHARED = "UV_CACHE_DIR"


@dataclass(frozen=True)
class RecordedWork(OwnWork):
    """The sandbox of one's own work, which lets a recorder see each act."""

    recorder: Recorder = field(kw_only=True)

    def run(self, command: Command, cancel: CancelToken) -> Completed:
        """Run a command to its end, and have it written down if it is act's."""
        if not is_act(command.argv):
            return super().run(command, cancel)
        self.recorder.keep(self.scratch, Path(command.env[SHARED]).parent, command.cwd.parent)
        done = super().run(command, cancel)
        self.recorder.runs.append(
            {
                "argv": from_act(command.argv),
                "cwd": str(command.cwd),
                "env": self.environment(command.env),
                "exit": done.returncode,
            }
        )
        return done


class Recorder:
    """Writes down what act is started with, and keeps a copy of its folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.scratch: Path | None = None
        self.runs: list[dict[str, Any]] = []

    def keep(self, scratch: Path, shared: Path, own: Path) -> None:
        """Copy the folder that all runs share, the first time, and a run's own."""
        with self._lock:
            if self.scratch is None:
                self.scratch = scratch
                self._copy(shared, scratch)
        self._copy(own, scratch)

    def _copy(self, folder: Path, scratch: Path) -> None:
        place = self._folder / KEPT / folder.relative_to(scratch)
        shutil.copytree(folder, place, symlinks=True)


def is_act(argv: Sequence[str | os.PathLike[str]]) -> bool:
    """Whether a command runs act on a workflow."""
    return {os.fspath(act.find_program()), "--json"} <= {os.fspath(part) for part in argv}


def from_act(argv: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return the part of a command that is act's own."""
    parts = [os.fspath(part) for part in argv]
    return parts[parts.index(os.fspath(act.find_program())) :]


def record(work: Path, folder: Path) -> None:
    """Check a workspace of ci-pipeline, which must pass, and record its act runs."""
    recorder = Recorder(folder)
    report = grade(
        catalog.load_lab("ci-pipeline"),
        workspace.find_workspace(work),
        make_sandbox=partial(RecordedWork, recorder=recorder),
    )
    if report.outcome is not Outcome.PASS:
        checks = [check for task in report.tasks for check in task.checks]
        told = (
            f"{one.id}: {one.verdict.message}"
            for one in checks
            if one.verdict.outcome != Outcome.PASS
        )
        raise SystemExit(f"ci-pipeline does not pass on this machine: {'; '.join(told)}")
    if not recorder.runs:
        raise SystemExit("no act run was seen: how rehearsals are started has changed")
    (folder / RUNS).write_text(json.dumps(recorder.runs))
    (folder / WHERE).write_text(json.dumps(str(recorder.scratch)))


def restore(folder: Path) -> Path:
    """Put what a recording kept to its places again; return the recording for `bare_act`."""
    place = Path(json.loads((folder / WHERE).read_text()))
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / KEPT, place, symlinks=True)
    for name in ("home", "tmp"):
        (place / name).mkdir(exist_ok=True)
    return folder / RUNS


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]))
