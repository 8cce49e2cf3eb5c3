"""The state of watch: everything that is known, asked and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from scaffolder.model import (
    CheckResult,
    Lab,
    Outcome,
    Problem,
    Report,
    Score,
    Task,
    TaskResult,
    score_tasks,
)
from scaffolder.report.live.watch.words import Choice, Effect, Grade, Page, Question, Running

_TROUBLE = (Outcome.FAIL, Outcome.ERROR, Outcome.UNAVAILABLE)


@dataclass(frozen=True)
class Watch:
    """Everything that is known, asked and shown.

    `results` and `checks` hold what grading said last of tasks and of their checks, the latter also
    where the task has not ended; for tasks in `unsure` that may have been before the last save.
    `fresh` are the checks that ended in the present run, each behind its task.
    `again` asks for a look once the run that is under way has ended. `report` is the last complete
    one. `chosen` is the failing task that the learner turned to.
    `offset` counts the lines that the text is scrolled by.
    """

    lab: Lab
    run: int = 0
    active: bool = False
    again: bool = False
    results: Mapping[str, TaskResult] = field(default_factory=dict)
    checks: Mapping[str, Mapping[str, CheckResult]] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    fresh: frozenset[tuple[str, str]] = frozenset()
    running: Mapping[tuple[str, str], Running] = field(default_factory=dict)
    report: Report | None = None
    problem: Problem | None = None
    saved: tuple[str, ...] = ()
    chosen: str = ""
    page: Page | Choice | Question | None = None
    offset: int = 0

    @property
    def failing(self) -> tuple[str, ...]:
        """Ids of the tasks that something is to be said about: fails first, then the ungraded."""
        return tuple(
            task.id
            for outcome in _TROUBLE
            for task in self.lab.tasks
            if self._trouble(task) is outcome
        )

    @property
    def focus(self) -> str:
        """The failing task that is shown; nothing where none fails."""
        failing = self.failing
        return self.chosen if self.chosen in failing else next(iter(failing), "")

    @property
    def score(self) -> Score:
        """The points as far as they are known."""
        return score_tasks(self.results.values(), self.lab.points)

    @property
    def outcome(self) -> Outcome:
        """What the work has come to; what is not checked since the last save is not graded."""
        if self.report is not None and not self.unsure:
            return self.report.outcome
        sure = {one.outcome for task, one in self.results.items() if task not in self.unsure}
        return Outcome.FAIL if Outcome.FAIL in sure else Outcome.UNAVAILABLE

    def problems_of(self, task_id: str) -> tuple[CheckResult, ...]:
        """Return the checks of a task that did not pass, in the lab's order."""
        return tuple(
            result
            for result in self.checks.get(task_id, {}).values()
            if result.verdict.outcome is not Outcome.PASS
        )

    def list_sure(self) -> Report:
        """Return what is known as a report, without what checks said before the last save.

        So no hint answers a failure that may be gone.
        """
        known = self.so_far()
        return msgspec.structs.replace(known, tasks=tuple(map(self._keep_sure, known.tasks)))

    def _keep_sure(self, result: TaskResult) -> TaskResult:
        if result.id not in self.unsure:
            return result
        told = self.checks.get(result.id, {})
        sure = tuple(one for name, one in told.items() if (result.id, name) in self.fresh)
        return msgspec.structs.replace(result, checks=sure)

    def so_far(self) -> Report:
        """Return what is known as a report; a task that has not ended fails with what failed."""
        known = []
        for task in self.lab.tasks:
            trouble = self._trouble(task)
            if task.id not in self.results and trouble is not None:
                checks = tuple(self.checks[task.id].values())
                known.append(TaskResult(task.id, task.title, task.points, trouble, checks))
            elif task.id in self.results:
                known.append(self.results[task.id])
        lab = self.lab
        return Report(lab.id, lab.version, lab.title, "", tuple(known), 0.0)

    def _trouble(self, task: Task) -> Outcome | None:
        """Return what is wrong with a task; a check that failed says so before its task ends."""
        outcomes = {self.results[task.id].outcome} if task.id in self.results else set()
        outcomes |= {result.verdict.outcome for result in self.problems_of(task.id)}
        return next((outcome for outcome in _TROUBLE if outcome in outcomes), None)


def list_failures(result: TaskResult) -> frozenset[tuple[str, str]]:
    """Return what is wrong with a task: each check that did not pass, with what it says."""
    return frozenset(
        (check.id, check.verdict.message)
        for check in result.checks
        if check.verdict.outcome is not Outcome.PASS
    )


# A state, and what is to be done.
Step = tuple[Watch, tuple[Effect, ...]]


def list_tasks(watch: Watch) -> frozenset[str]:
    """Return the ids of the lab's tasks."""
    return frozenset(task.id for task in watch.lab.tasks)


def check_again(
    watch: Watch, touched: frozenset[str], *, afresh: bool = False, lab: bool = False
) -> Step:
    """Order a run, after which `touched` may have other verdicts; `afresh`, `lab` as of Grade."""
    # A task that waited for its verdict, or whose run was cut short, still waits.
    run = watch.run + 1
    unsure = watch.unsure | touched
    moved = replace(
        watch, run=run, active=True, again=False, running={}, unsure=unsure, fresh=frozenset()
    )
    # A lab that could not be read has to be read again, whatever was saved since.
    return moved, (Grade(run, afresh, lab or watch.problem is not None),)
