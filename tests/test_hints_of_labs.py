"""The hints of our labs: after each known mistake, what a learner is told was written for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffolder import catalog, generate, hints
from scaffolder.answers import read_wrong_answers
from scaffolder.model import CheckResult, Outcome, Report, TaskResult
from tests.support import failures
from tests.support.command import Devlab

LAB = "containerize-flask"
RECORDED = {lab_id: failures.read(lab_id) for lab_id in (LAB,)}
FAILED = [
    pytest.param(lab_id, one.mistake, task_id, checks, id=f"{one.mistake}-{task_id}")
    for lab_id, recorded in RECORDED.items()
    for one in recorded
    for task_id, checks in one.tasks.items()
]


def report_of(task_id: str, checks: tuple[CheckResult, ...]) -> Report:
    result = TaskResult(task_id, "", 10, Outcome.FAIL, checks)
    return Report(LAB, "1", "", "", (result,), seconds=0)


@pytest.mark.parametrize("lab_id", RECORDED)
def test_every_mistake_of_a_lab_is_recorded(lab_id: str) -> None:
    mistakes = read_wrong_answers(catalog.load(lab_id)).mistakes
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
    given = hints.next_hint(catalog.load(lab_id), task_id, report_of(task_id, checks))
    assert given is not None
    assert given.answers in {check.id for check in checks}, mistake


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
    generate.build_state(catalog.load(LAB), f"mistake:{mistake}", {}, tmp_path / "work")
    said = devlab("hint", task_id, cwd=tmp_path / "work")
    assert said.code == 0, said.err
    assert "written for" in said.out
    assert words in " ".join(said.out.split())
