"""The rules of grading: what may start when, what is withheld, what a task comes to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scaffolder.core.errors import DevlabError
from scaffolder.grading.schedule import Schedule, select_tasks
from scaffolder.labs import catalog
from scaffolder.model import CheckResult, CheckSpec, Outcome, Task, TaskResult, Verdict
from tests.support.labs import Ends


def task(name: str, *needs: str, checks: int = 1) -> Task:
    specs = tuple(
        CheckSpec(f"{name}-{number}", "test.ends", Ends(outcome="pass"), 10)
        for number in range(checks)
    )
    return Task(name, f"The task {name}", 10, specs, needs)


def follow(
    tasks: tuple[Task, ...], outcomes: Mapping[str, Outcome]
) -> tuple[list[list[str]], list[TaskResult], list[str]]:
    """Follow a schedule; return what it started together, its results, and who ended in order.

    A check passes unless `outcomes` says otherwise.
    """
    ended: list[str] = []
    started: list[list[str]] = []
    schedule = Schedule(tasks, lambda result: ended.append(result.id))
    while checks := schedule.start_ready():
        started.append([spec.id for _, spec in checks])
        for task_id, spec in checks:
            verdict = Verdict(outcomes.get(spec.id, Outcome.PASS), "as told")
            schedule.record(task_id, CheckResult(spec.id, spec.kind, verdict, 0.0))
    return started, schedule.results, ended


def test_a_task_starts_when_all_that_it_needs_has_ended() -> None:
    tasks = (task("last", "first", "middle"), task("middle", "first", checks=2), task("first"))
    started, results, ended = follow(tasks, {})
    assert started == [["first-0"], ["middle-0", "middle-1"], ["last-0"]]
    assert ended == ["first", "middle", "last"]
    assert [result.id for result in results] == ["last", "middle", "first"]
    assert {result.outcome for result in results} == {Outcome.PASS}


def test_what_needs_a_failed_task_is_blocked_and_nothing_of_it_runs() -> None:
    tasks = (task("a"), task("b", "a"), task("c", "b"), task("d"))
    started, results, ended = follow(tasks, {"a-0": Outcome.FAIL})
    assert started == [["a-0", "d-0"]]
    assert [result.outcome for result in results] == [
        Outcome.FAIL,
        Outcome.BLOCKED,
        Outcome.BLOCKED,
        Outcome.PASS,
    ]
    assert results[1].reason == "needs a, which did not pass"
    assert ended == ["a", "d", "b", "c"]


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.ERROR])
def test_what_needs_a_task_that_could_not_be_graded_runs_all_the_same(outcome: Outcome) -> None:
    started, results, _ = follow((task("a"), task("b", "a")), {"a-0": outcome})
    assert started == [["a-0"], ["b-0"]]
    assert [result.outcome for result in results] == [outcome, Outcome.PASS]


def test_a_task_brings_what_it_needs() -> None:
    lab = catalog.load_lab("ci-pipeline")
    needing = next(task for task in lab.tasks if task.needs)
    chosen = {task.id for task in select_tasks(lab, [needing.id])}
    assert {needing.id, *needing.needs} <= chosen < {task.id for task in lab.tasks}
    assert select_tasks(lab, []) == lab.tasks
    with pytest.raises(DevlabError, match="did you mean"):
        select_tasks(lab, [f"{needing.id}s"])
