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
from pathlib import Path
from typing import Any

from scaffolder import workspace
from scaffolder.checks.github import act
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.model import Outcome
from scaffolder.sandbox import OwnWork
from scaffolder.tools.processes import Completed

RUNS, WHERE, KEPT = "runs.json", "where.json", "scratch"
# Names a place in the folder that all runs share; that is kept once.
SHARED = "UV_CACHE_DIR"


class Recorder:
    """Stands in front of the sandbox and writes down what act is started with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._real = OwnWork.run
        self._lock = threading.Lock()
        self.scratch: Path | None = None
        self.runs: list[dict[str, Any]] = []

    def __enter__(self) -> Recorder:
        recorder = self

        def recorded(sandbox: OwnWork, argv: list[str], **options: Any) -> Completed:
            if not is_act(argv):
                return recorder._real(sandbox, argv, **options)
            shared = Path(options["env"][SHARED]).parent
            recorder._keep(sandbox.scratch, shared, options["cwd"].parent)
            done = recorder._real(sandbox, argv, **options)
            recorder.runs.append(
                {
                    "argv": from_act(argv),
                    "cwd": str(options["cwd"]),
                    "env": sandbox.environment(options["env"]),
                    "exit": done.returncode,
                }
            )
            return done

        OwnWork.run = recorded  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        OwnWork.run = self._real  # type: ignore[method-assign]

    def _keep(self, scratch: Path, shared: Path, own: Path) -> None:
        with self._lock:
            if self.scratch is None:
                self.scratch = scratch
                self._copy(shared, scratch)
        self._copy(own, scratch)

    def _copy(self, folder: Path, scratch: Path) -> None:
        place = self._folder / KEPT / folder.relative_to(scratch)
        shutil.copytree(folder, place, symlinks=True)


def is_act(argv: list[str]) -> bool:
    """Whether a command runs act on a workflow."""
    return {os.fspath(act.program()), "--json"} <= {os.fspath(part) for part in argv}


def from_act(argv: list[str]) -> list[str]:
    """Return the part of a command that is act's own."""
    parts = [os.fspath(part) for part in argv]
    return parts[parts.index(os.fspath(act.program())) :]


def record(work: Path, folder: Path) -> None:
    """Check a workspace of ci-pipeline, which must pass, and record its act runs."""
    with Recorder(folder) as recorder:
        report = grade(catalog.load("ci-pipeline"), workspace.find(work))
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
