"""results.json, as Gradescope's autograder reads it: what is not graded costs no points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffolder.model import Outcome, Report, Verdict, failed, passed, unavailable
from scaffolder.report import gradescope
from tests.support import reports
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.labs import task as task_yaml


@reports.any_report
def test_it_is_what_gradescope_reads(report: Report) -> None:
    text = gradescope.render(report)
    data = json.loads(text)
    text.encode()
    assert ("score" in data) is bool(report.score.gradable)
    assert len(data["tests"]) == len(report.tasks)
    for task, test in zip(report.tasks, data["tests"], strict=True):
        assert test["output_format"] == test["name_format"] == "text"
        assert test["visibility"] == "visible"
        assert isinstance(test["name"], str)
        assert "\x1b" not in test["output"]
        graded = {"score", "max_score", "status"} & set(test)
        assert graded == ({"score", "max_score", "status"} if task.outcome.graded else set())


@reports.any_report
def test_the_total_is_the_share_of_what_could_be_graded(report: Report) -> None:
    data = gradescope.make_document(report)
    score = report.score
    if score.gradable:
        assert 0 <= data["score"] <= score.total
        assert data["score"] / score.total == pytest.approx(score.earned / score.gradable, abs=0.01)
        assert (data["score"] == score.total) is (score.earned == score.gradable)


@pytest.mark.parametrize(
    ("verdicts", "total"),
    [
        ((passed("x"), passed("x")), 30),
        ((passed("x"), failed("x")), 10),
        ((passed("x"), unavailable("x")), 30),
        ((failed("x"), unavailable("x")), 0),
        ((unavailable("x"), passed("x")), 30),
    ],
)
def test_totals(verdicts: tuple[Verdict, Verdict], total: float) -> None:
    first, second = verdicts
    report = reports.report(reports.task("a", first), reports.task("b", second, points=20))
    assert gradescope.make_document(report)["score"] == total


def test_nothing_graded_is_neither_zero_nor_full_marks() -> None:
    data = gradescope.make_document(reports.report(reports.task("a", unavailable("no engine"))))
    assert "score" not in data
    assert "score" not in data["tests"][0]
    assert "no fault of yours" in data["output"]


def test_a_blocked_task_is_a_failed_test_that_says_why() -> None:
    report = reports.report(reports.task("a", outcome=Outcome.BLOCKED))
    (test,) = gradescope.make_document(report)["tests"]
    assert (test["status"], test["score"], test["max_score"]) == ("failed", 0, 10)


def test_the_command_writes_a_file(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task_yaml("a") + task_yaml("b", "fail", points=30))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    target = tmp_path / "results.json"
    assert devlab("check", tmp_path / "w", "--format", "gradescope", "--output", target).code == 1
    data = json.loads(target.read_text("utf-8"))
    assert data["score"] == 10
    assert "look here" in data["tests"][1]["output"]
    assert "next: do better" in data["tests"][1]["output"]
