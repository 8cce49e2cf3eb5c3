"""What a machine lacks costs nothing, and what the work makes impossible to grade earns nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.core.errors import (
    InterruptedRunError,
    NotShownError,
    UnavailableError,
    UnusableFileError,
    WorkFaultError,
)
from scaffolder.grading.judge import judge
from scaffolder.grading.schedule import conclude_task
from scaffolder.model import (
    Cause,
    CheckResult,
    CheckSpec,
    Outcome,
    Report,
    Task,
    Verdict,
    failed,
    not_shown,
    passed,
    unavailable,
)
from scaffolder.proving import promises
from scaffolder.report import REPORTERS, gradescope
from scaffolder.sandbox import OwnWork
from tests.support.reports import report, task

ERROR = Verdict(Outcome.ERROR, "devlab itself failed here")


def run(folder: Path, **given: object) -> Run:
    own = OwnWork(folder)
    return Run("t", folder, folder, folder, {}, {}, lambda: folder, sandbox=own, **given)  # type: ignore[arg-type]


class Raising(Kind, frozen=True):
    """Raises what it is told to."""

    error: object = None

    def run(self, context: Context) -> Verdict:
        raise self.error  # type: ignore[misc]


@pytest.mark.parametrize(
    ("error", "outcome", "cause"),
    [
        (UnavailableError("no engine answers"), Outcome.UNAVAILABLE, Cause.MACHINE),
        (NotShownError("a container job"), Outcome.UNAVAILABLE, Cause.WORK),
        (WorkFaultError("git refuses the name"), Outcome.FAIL, None),
        (UnusableFileError("is a pipe", "ci.yml"), Outcome.FAIL, None),
        (CheckFailedError("it does not hold"), Outcome.FAIL, None),
        (RuntimeError("a bug"), Outcome.ERROR, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_check_raises_says_whose_fault_it_is(
    tmp_path: Path, error: Exception, outcome: Outcome, cause: Cause | None
) -> None:
    spec = CheckSpec("one", "raising", Raising(error=error), 10)
    verdict = judge(spec, Context(run(tmp_path), "one", 10))
    assert (verdict.outcome, verdict.cause) == (outcome, cause)


def test_a_fault_of_the_work_names_file_and_line(tmp_path: Path) -> None:
    error = WorkFaultError("a name of 300 letters", "shorten it", path="ci.yml", line=7)
    spec = CheckSpec("one", "raising", Raising(error=error), 10)
    verdict = judge(spec, Context(run(tmp_path), "one", 10))
    assert verdict.message == "a name of 300 letters"
    assert [(one.path, one.line) for one in verdict.findings] == [("ci.yml", 7)]
    assert verdict.hint == "shorten it"


def mixed() -> Report:
    return report(
        task("held", passed("it was seen"), points=20),
        task("elsewhere", not_shown("an action that nothing plays"), points=30),
        task("here", unavailable("no engine answers"), points=50),
    )


def test_only_what_the_machine_lacks_leaves_the_denominator() -> None:
    made = mixed()
    assert msgspec.to_builtins(made.score) == {
        "earned": 20,
        "gradable": 50,
        "total": 100,
        "not_shown": 30,
    }
    assert made.outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("beside", [ERROR, unavailable("no engine answers"), passed("it held")])
def test_nothing_beside_it_takes_what_is_not_shown_out_of_the_denominator(beside: Verdict) -> None:
    results = [
        CheckResult(f"check-{number}", "toy", verdict, 0.1)
        for number, verdict in enumerate((beside, not_shown("a container job")))
    ]
    for order in (results, results[::-1]):
        ended = conclude_task(Task("both", "Both", 10, ()), order)
        assert (ended.outcome, ended.cause, ended.counts) == (
            Outcome.UNAVAILABLE,
            Cause.WORK,
            True,
        )


def test_an_error_and_a_lack_of_the_machine_cost_nothing() -> None:
    results = [
        CheckResult("one", "toy", ERROR, 0.1),
        CheckResult("two", "toy", unavailable("no engine answers"), 0.1),
    ]
    ended = conclude_task(Task("both", "Both", 10, ()), results)
    assert (ended.outcome, ended.cause, ended.counts) == (Outcome.ERROR, None, False)


def test_gradescope_never_scales_up_over_what_is_not_shown() -> None:
    assert gradescope.make_document(mixed())["score"] == 40  # 20 of the 50 that count, of 100
    alone = report(task("all", not_shown("a container job"), points=100))
    assert gradescope.make_document(alone)["score"] == 0
    (told,) = gradescope.make_document(alone)["tests"]
    assert (told["score"], told["max_score"], told["status"]) == (0, 100, "failed")


def test_json_tells_the_cause() -> None:
    told = json.loads(REPORTERS["json"](mixed()))
    assert [one["cause"] for one in told["tasks"]] == [None, "work", "machine"]
    assert [one["checks"][0]["cause"] for one in told["tasks"]] == [None, "work", "machine"]


@pytest.mark.parametrize("name", sorted(set(REPORTERS) - {"json"}))
def test_every_report_tells_what_is_not_shown(name: str) -> None:
    told = REPORTERS[name](mixed())
    assert "not shown" in told
    assert "not shown" not in REPORTERS[name](report(task("here", unavailable("no engine"))))


def test_a_right_answer_must_be_shown_and_a_mistake_must_fail() -> None:
    (broken,) = promises.judge_right_answer(mixed())
    assert "elsewhere" in broken.message


def attempts(error: Exception | None) -> tuple[list[int], Callable[[], None]]:
    made: list[int] = []

    def attempt() -> None:
        made.append(1)
        if error is not None:
            raise error

    return made, attempt


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("the disk is full"),
        NotShownError("no such thing here"),
        CheckFailedError("the image does not build"),
        WorkFaultError("git refuses"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_control_that_fails_too_blames_the_machine_once(tmp_path: Path, error: Exception) -> None:
    here = run(tmp_path)
    made, attempt = attempts(error)
    found: list[UnavailableError | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(here.control("build", attempt)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert [type(one) for one in found] == [UnavailableError] * 4


def test_a_control_that_works_blames_the_work(tmp_path: Path) -> None:
    made, attempt = attempts(None)
    assert run(tmp_path).control("build", attempt) is None
    assert made


def test_a_control_that_is_interrupted_says_nothing(tmp_path: Path) -> None:
    _, attempt = attempts(InterruptedRunError())
    with pytest.raises(InterruptedRunError):
        run(tmp_path).control("build", attempt)


def test_a_kept_verdict_of_before_is_still_read() -> None:
    kept = {"outcome": "fail", "message": "it does not hold"}
    assert msgspec.convert(kept, Verdict) == failed("it does not hold")
