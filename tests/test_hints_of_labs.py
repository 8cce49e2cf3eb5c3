"""The hints of our labs: after each known mistake, what a learner is told was written for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffolder.labs import catalog, generate
from scaffolder.labs.answers import read_wrong_answers
from scaffolder.model import CheckResult, Outcome, Report, TaskResult
from scaffolder.progress import hints
from tests.support import failures
from tests.support.command import Devlab

LAB = "containerize-flask"
RECORDED = {path.stem: failures.read(path.stem) for path in sorted(failures.FOLDER.glob("*.json"))}
# Each failure of each mistake of these labs has a hint of its own.
WHOLE = (LAB, "slim-image")
COMPLETE = (*WHOLE, "terraform-stubs")
FAILED = [
    pytest.param(lab_id, one.mistake, task_id, checks, id=f"{lab_id}-{one.mistake}-{task_id}")
    for lab_id, recorded in RECORDED.items()
    for one in recorded
    for task_id, checks in one.tasks.items()
]


def report_of(task_id: str, checks: tuple[CheckResult, ...]) -> Report:
    result = TaskResult(task_id, "", 10, Outcome.FAIL, checks)
    return Report(LAB, "1", "", "", (result,), seconds=0)


@pytest.mark.parametrize("lab_id", COMPLETE)
def test_every_mistake_of_a_lab_is_recorded(lab_id: str) -> None:
    mistakes = read_wrong_answers(catalog.load_lab(lab_id)).mistakes
    recorded = {
        one.mistake: {check.id for checks in one.tasks.values() for check in checks}
        for one in RECORDED[lab_id]
    }
    for mistake in mistakes:
        assert set(mistake.fails) <= recorded[mistake.id], f"record {lab_id} again"


@pytest.mark.parametrize(("lab_id", "mistake", "task_id", "checks"), FAILED)
def test_the_first_hint_after_a_mistake_was_written_for_its_failure(
    lab_id: str, mistake: str, task_id: str, checks: tuple[CheckResult, ...]
) -> None:
    lab = catalog.load_lab(lab_id)
    given = hints.choose_next_hint(lab, task_id, report_of(task_id, checks))
    assert given is not None
    if lab_id in WHOLE or not lab.task(task_id).hints[given.number - 1].general:
        assert given.answers in {check.id for check in checks}, mistake
    else:
        assert given.number == 1, "the first general hint, where the message leads on by itself"


def test_the_hints_of_a_lab_are_not_in_vain() -> None:
    """Most hints for a failure answer a recorded one; the others are for slips nobody planted."""
    for lab_id in WHOLE:
        lab = catalog.load_lab(lab_id)
        checks = [
            check for one in RECORDED[lab_id] for part in one.tasks.values() for check in part
        ]
        written = [hint for task in lab.tasks for hint in task.hints if not hint.general]
        reached = [
            hint for hint in written if any(hints.answers_failure(hint, one) for one in checks)
        ]
        assert len(reached) > len(written) / 2


@pytest.mark.parametrize(
    ("mistake", "task_id", "words"),
    [
        pytest.param("shell-form-of-cmd", "dockerfile-is-clean", "JSON list"),
        pytest.param("pragma-silences-the-linter", "dockerfile-is-clean", "--no-cache-dir"),
        pytest.param(
            "file-name-misspelled", "image-builds", ".dockerignore", marks=pytest.mark.engine
        ),
        pytest.param(
            "creates-a-user-only", "process-is-not-root", "It is USER", marks=pytest.mark.engine
        ),
        pytest.param(
            "writes-beside-the-code", "runs-hardened", "pid file", marks=pytest.mark.engine
        ),
    ],
)
def test_the_real_failure_gets_the_hint_as_well(
    devlab: Devlab, tmp_path: Path, mistake: str, task_id: str, words: str
) -> None:
    generate.build_state(catalog.load_lab(LAB), f"mistake:{mistake}", {}, tmp_path / "work")
    said = devlab("hint", task_id, cwd=tmp_path / "work")
    assert said.code == 0, said.err
    assert "written for" in said.out
    assert words in " ".join(said.out.split())
