"""What grading a workspace came to, from which every output format is made."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from scaffolder.model.lab import Finish
from scaffolder.model.verdict import Cause, Outcome, Verdict


class CheckResult(msgspec.Struct, frozen=True):
    """A verdict with the check that it belongs to and the seconds that it took.

    A `cached` one was found by an earlier run, when everything that decides was the same.
    """

    id: str
    kind: str
    verdict: Verdict
    seconds: float
    cached: bool = False


class TaskResult(msgspec.Struct, frozen=True):
    """What grading a task came to."""

    id: str
    title: str
    points: int
    outcome: Outcome
    checks: tuple[CheckResult, ...]
    reason: str = ""

    @property
    def cause(self) -> Cause | None:
        """Why the task is unavailable: the work, if one of its checks says so. Else None."""
        causes = {check.verdict.cause for check in self.checks} - {None}
        unavailable = self.outcome is Outcome.UNAVAILABLE
        return (Cause.WORK if Cause.WORK in causes else Cause.MACHINE) if unavailable else None

    @property
    def counts(self) -> bool:
        """Whether its points stand in the denominator: it was graded, or the work prevents it."""
        return self.outcome.graded or self.cause is Cause.WORK

    @property
    def earned(self) -> int:
        """All points or none: only a pass earns."""
        return self.points if self.outcome is Outcome.PASS else 0


class Score(msgspec.Struct, frozen=True):
    """Points earned, points that count here, and all points of what was asked.

    `not_shown` are those among the `gradable` that could not be graded because of the work.
    """

    earned: int
    gradable: int
    total: int
    not_shown: int = 0


def score_tasks(tasks: Iterable[TaskResult], total: int) -> Score:
    """Return the score of what is known of a lab of `total` points."""
    known = tuple(tasks)
    return Score(
        earned=sum(task.earned for task in known),
        gradable=total - sum(task.points for task in known if not task.counts),
        total=total,
        not_shown=sum(task.points for task in known if task.cause is Cause.WORK),
    )


class PointChange(msgspec.Struct, frozen=True):
    """Points of a task that were won since the last check, or lost: these are below zero."""

    task: str
    points: int


class FirstPass(msgspec.Struct, frozen=True):
    """A task that passes for the first time, and what its checks showed."""

    task: str
    says: str


class NextLab(msgspec.Struct, frozen=True):
    """What to do after a lab: its title, and the command."""

    title: str
    command: str


class News(msgspec.Struct, frozen=True):
    """What a report says that the last one did not: it follows from what the learner did before.

    `next` is set where the lab is finished and somebody looked what comes after it.
    """

    changes: tuple[PointChange, ...] = ()
    proved: tuple[FirstPass, ...] = ()
    next: NextLab | None = None


class Report(msgspec.Struct, frozen=True):
    """The whole result of a check run, from which every output format is made.

    `notes` tell what a reader should know that is no verdict: files left out, another version.
    `learner` is whose lab it was graded as, "" where it was everybody's. `finish` is the lab's,
    where all of its tasks passed. `news` is no part of what is kept.
    """

    lab_id: str
    lab_version: str
    lab_title: str
    workspace: str
    tasks: tuple[TaskResult, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    learner: str = ""
    finish: Finish | None = None
    news: News = News()

    @property
    def heading(self) -> str:
        """The lab's title, and whose lab it was graded as."""
        return f"{self.lab_title}, for {self.learner}" if self.learner else self.lab_title

    @property
    def cached(self) -> bool:
        """Whether every verdict was found by an earlier run, and nothing ran for this one."""
        checks = [check for task in self.tasks for check in task.checks]
        return bool(checks) and all(check.cached for check in checks)

    @property
    def score(self) -> Score:
        """The points of the tasks; what the machine cannot grade leaves the denominator."""
        return score_tasks(self.tasks, sum(task.points for task in self.tasks))

    @property
    def ungraded(self) -> tuple[TaskResult, ...]:
        """The tasks that left the denominator."""
        return tuple(task for task in self.tasks if not task.counts)

    @property
    def not_shown(self) -> tuple[TaskResult, ...]:
        """The tasks that the work itself made impossible to grade here."""
        return tuple(task for task in self.tasks if task.cause is Cause.WORK)

    @property
    def passes(self) -> dict[str, bool]:
        """Whether each task passed, of those that count."""
        return {task.id: task.outcome is Outcome.PASS for task in self.tasks if task.counts}

    @property
    def outcome(self) -> Outcome:
        """FAIL if any task failed, else UNAVAILABLE if any could not be graded, else PASS.

        A report without a single graded task is never a pass.
        """
        outcomes = {task.outcome for task in self.tasks}
        if outcomes & {Outcome.FAIL, Outcome.BLOCKED}:
            return Outcome.FAIL
        if outcomes == {Outcome.PASS}:
            return Outcome.PASS
        return Outcome.UNAVAILABLE
