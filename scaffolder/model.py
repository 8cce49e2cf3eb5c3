"""The words of devlab as frozen values: labs and what grading them says.

This module imports nothing of devlab's but shapes of its own, so every other may rely on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scaffolder.varying import Variation


class Outcome(StrEnum):
    """The five words that a check or a task can end with."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"
    ERROR = "error"

    @property
    def graded(self) -> bool:
        """Whether the points of a task with this outcome count at all."""
        return self in (Outcome.PASS, Outcome.FAIL, Outcome.BLOCKED)


class Cause(StrEnum):
    """Why a check could not be run: what the machine lacks, which costs nobody a point, or what the
    work asks for and nothing here can play: that is not shown, and stays in the denominator."""

    MACHINE = "machine"
    WORK = "work"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a verdict rests on.

    `path` is relative to the workspace, `line` counts from 1, `rule` is the id of the rule in the
    tool that knows it, `url` its documentation.
    """

    message: str
    level: Literal["error", "warning", "info"] = "error"
    path: str | None = None
    line: int | None = None
    rule: str | None = None
    url: str | None = None


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was run, what should have happened, what did, and the log lines that matter."""

    ran: str = ""
    expected: str = ""
    actual: str = ""
    log: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What a check says: an outcome, the reason in one sentence, and what it rests on.

    One that is not `lasting` may be another one the next time though nothing has changed, since
    something else than the work had a say: a package index, time. `cause` is set where the outcome
    is `unavailable`, and nowhere else.
    """

    outcome: Outcome
    message: str
    findings: tuple[Finding, ...] = ()
    evidence: Evidence | None = None
    hint: str = ""
    lasting: bool = True
    cause: Cause | None = None

    @property
    def not_shown(self) -> bool:
        """Whether the work asks for what cannot be run here."""
        return self.outcome is Outcome.UNAVAILABLE and self.cause is Cause.WORK


def passed(message: str, *findings: Finding) -> Verdict:
    """Say that a check holds; `message` names what was seen, not "ok"."""
    return Verdict(Outcome.PASS, message, findings)


def failed(
    message: str,
    *findings: Finding,
    evidence: Evidence | None = None,
    hint: str = "",
    lasting: bool = True,
) -> Verdict:
    """Say that a check does not hold; `message` names the cause, `hint` what to do next.

    Where something else than the work may be the cause, it is not `lasting`.
    """
    return Verdict(Outcome.FAIL, message, findings, evidence, hint, lasting)


def unavailable(message: str, hint: str = "", cause: Cause = Cause.MACHINE) -> Verdict:
    """Say that this machine cannot judge; `hint` is the command that would mend it.

    Its points leave the denominator, unless the `cause` is the work.
    """
    return Verdict(Outcome.UNAVAILABLE, message, hint=hint, lasting=False, cause=cause)


def not_shown(message: str, hint: str = "") -> Verdict:
    """Say that the work asks for what cannot be run here; `hint` is what would make it count."""
    return unavailable(message, hint, Cause.WORK)


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace `old`, which must stand exactly once in the file `path`, by `new`."""

    path: str
    old: str
    new: str


class ChangeSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A small edit of a folder: deletions first, then whole files, then replacements."""

    delete: tuple[str, ...] = ()
    write: dict[str, str] = {}
    replace: tuple[Replacement, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the edit touches, in order and once."""
        touched = (*self.delete, *self.write, *(edit.path for edit in self.replace))
        return tuple(dict.fromkeys(touched))


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a check plants to see whether it is noticed: `change`, or one of `forms`."""

    id: str
    title: str
    change: ChangeSet
    forms: tuple[ChangeSet, ...] = ()


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named wrong answer: an edit of the solution and the checks that it must fail."""

    id: str
    title: str
    fails: tuple[str, ...]
    change: ChangeSet


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Generated mutants that an author accepts as no mistakes, and why they are none."""

    mutants: tuple[str, ...]
    reason: str


class WrongAnswers(msgspec.Struct, frozen=True):
    """What a lab's mistakes.yaml holds: mistakes that must fail, mutants that need not."""

    mistakes: tuple[Mistake, ...] = ()
    equivalent: tuple[Equivalent, ...] = ()


class CheckSpec(msgspec.Struct, frozen=True):
    """One verification inside a task: its id, its kind, and the kind's own parameters.

    `check` is an instance of the kind's class (see `checks/kind.py`), `timeout` is in seconds and
    bounds what the learner's work may take.
    """

    id: str
    kind: str
    check: object
    timeout: float


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What helps a learner on. One that names a `check`, `rule` or `message` answers that failure.

    All that it names must fit one failed check: its id, the rule of a finding, and words that the
    check's message, a finding or what happened contains. `message` is a plain part of a text and
    no pattern, whatever its case and spacing: no text that a learner's program prints can make the
    search slow, and the brackets and stars of a quoted command mean themselves.
    """

    text: Annotated[str, Meta(min_length=1, max_length=2000, description="What the learner reads.")]
    check: Annotated[
        str, Meta(pattern=r"\S", max_length=60, description="The id of a check of the task.")
    ] = ""
    rule: Annotated[
        str, Meta(pattern=r"\S", max_length=100, description="The rule of a finding: DL3025.")
    ] = ""
    message: Annotated[
        str,
        Meta(
            pattern=r"\S",
            max_length=300,
            description="A part of what the failed check says, any case; no pattern.",
        ),
    ] = ""

    @property
    def general(self) -> bool:
        """Whether it fits every failure of its task."""
        return not (self.check or self.rule or self.message)


class Task(msgspec.Struct, frozen=True):
    """What the learner sees: a title, points, hints, and the tasks that must pass first.

    `given` marks a task that passes on the start already, e.g. one that must be kept so.
    """

    id: str
    title: str
    points: int
    checks: tuple[CheckSpec, ...]
    needs: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
    given: bool = False


class Lab(msgspec.Struct, frozen=True):
    """One exercise: what to do and how it is graded. `root` is its folder.

    Only a `trusted` lab may bring code of its own: template hooks, test files. `learner` is whose
    lab it is, "" where it is everybody's, and `values` what the variables of `variation` are then.
    """

    id: str
    version: str
    title: str
    summary: str
    track: str
    level: str
    minutes: int
    skills: tuple[str, ...]
    template: str
    tasks: tuple[Task, ...]
    root: Path
    context: Mapping[str, str] = {}
    faults: Mapping[str, Fault] = {}
    trusted: bool = True
    variation: Variation = Variation()
    learner: str = ""
    values: Mapping[str, str] = {}

    @property
    def points(self) -> int:
        """All points of the lab."""
        return sum(task.points for task in self.tasks)

    def task(self, task_id: str) -> Task:
        """Return the task with this id; KeyError where there is none."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something in a lab that its author must mend: where, what, and what to do.

    `path` is relative to the lab's folder, or to what holds it where it lies outside (a template).
    """

    message: str
    path: str = ""
    line: int | None = None
    hint: str = ""


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


class Report(msgspec.Struct, frozen=True):
    """The whole result of a check run, from which every output format is made.

    `notes` tell what a reader should know that is no verdict: files left out, another version.
    `learner` is whose lab it was graded as, "" where it was everybody's.
    """

    lab_id: str
    lab_version: str
    lab_title: str
    workspace: str
    tasks: tuple[TaskResult, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    learner: str = ""

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
