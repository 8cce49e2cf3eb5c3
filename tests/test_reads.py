"""A check that says it reads only some files comes to the same verdict without the others."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from scaffolder import workspace
from scaffolder.checks.kind import EVERYTHING, Kind
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.model import CheckSpec, Lab, Task
from tests.support.labs import alone

STATES = ("start", "solution")


def narrow() -> list[tuple[Lab, Task, CheckSpec]]:
    return [
        (lab, task, spec)
        for lab in catalog.load_labs()
        for task in lab.tasks
        for spec in task.checks
        if isinstance(spec.check, Kind)
        and spec.check.reads != EVERYTHING
        and not spec.check.reads_history
    ]


def test_some_checks_read_only_some_files() -> None:
    assert {spec.kind for _, _, spec in narrow()} == {
        "dockerfile.lint",
        "terraform.formatted",
        "workflow.secure",
        "workflow.valid",
    }


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("lab", "task", "spec"), [pytest.param(*one, id=one[2].id) for one in narrow()]
)
def test_what_it_does_not_read_does_not_matter(
    lab: Lab, task: Task, spec: CheckSpec, state: str, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    build_state(lab, state, {}, work)
    only = alone(lab, task, spec)
    whole = grade(only, workspace.find_workspace(work)).tasks[0].checks[0].verdict
    assert isinstance(spec.check, Kind)
    removed = 0
    for path in [one for one in work.rglob("*") if one.is_file()]:
        name = path.relative_to(work).as_posix()
        read = any(fnmatch.fnmatchcase(name, pattern) for pattern in spec.check.reads)
        if not read and not name.startswith(".devlab/"):
            path.unlink()
            removed += 1
    assert removed
    assert grade(only, workspace.find_workspace(work)).tasks[0].checks[0].verdict == whole
