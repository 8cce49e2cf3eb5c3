"""Which hint comes next: those that answer why a task fails, then the general ones in order.

A hint goes by its number, its place among the hints of its task in lab.yaml, from 1: that is what
is remembered of the hints that a learner has had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scaffolder.model import CheckResult, Hint, Lab, Outcome, Report, Task, TaskResult, Verdict


@dataclass(frozen=True)
class Given:
    """One hint as it is handed to a learner.

    `number` is its place in lab.yaml. `place` and `of` are those that a learner counts, "hint 2 of
    3", among the hints that fit every failure: there are always as many. One that was written for a
    failure has neither, as it comes and goes with that. `answers` is the id of the check that fails
    so now, and `rule` the rule, if it was written for one.
    """

    task_id: str
    number: int
    text: str
    place: int | None
    of: int | None
    answers: str = ""
    rule: str = ""

    @property
    def title(self) -> str:
        """What is said above it: which one it is."""
        if self.place is not None:
            return f"hint {self.place} of {self.of}"
        return "hint for this failure" if self.answers else "hint for a failure that is gone"

    @property
    def meant(self) -> str:
        """What it was written for, in words; nothing for a general hint."""
        return f"written for {self.rule or f'what {self.answers} says'}" if self.answers else ""


def choose_next_hint(
    lab: Lab, task_id: str, report: Report | None, used: Sequence[int] = ()
) -> Given | None:
    """Return the hint of a task that helps most now, or None where all that fit are used.

    First come hints for a failure that the report tells of, then the general ones, each in the
    order of lab.yaml. `used` are the numbers of the hints that the learner has had, in that order.
    Raises KeyError for a task that the lab does not have.
    """
    task = lab.task(task_id)
    result = find_result(report, task_id)
    had = _had(task, used)
    fresh = [number for number in _in_order(task, result) if number not in had]
    if not fresh:
        return None
    return _given(task, result, fresh[0], had)


def list_used_hints(
    lab: Lab, task_id: str, report: Report | None, used: Sequence[int]
) -> tuple[Given, ...]:
    """Return the hints of a task that the learner has had, each in the place that it had then."""
    task = lab.task(task_id)
    result = find_result(report, task_id)
    had = _had(task, used)
    return tuple(_given(task, result, number, had[:at]) for at, number in enumerate(had))


def _given(task: Task, result: TaskResult | None, number: int, before: Sequence[int]) -> Given:
    """Return a hint as it is handed out after those `before`."""
    hint = task.hints[number - 1]
    place = sum(task.hints[one - 1].general for one in before) + 1 if hint.general else None
    of = sum(one.general for one in task.hints) if hint.general else None
    return Given(task.id, number, hint.text, place, of, _answered(hint, result), hint.rule)


@dataclass(frozen=True)
class Advice:
    """What `devlab hint` has to say about a task: why it is as it is, and what helps.

    `hint` is the next one, None where all that fit are used; `used` are those that the learner has
    had, without it. `waiting` is the task that was asked about, where that one waits for this.
    """

    lab_id: str
    task: TaskResult
    hint: Given | None
    used: tuple[Given, ...]
    waiting: str = ""

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The checks of the task that did not pass."""
        return tuple(one for one in self.task.checks if one.verdict.outcome is not Outcome.PASS)


def list_failing_tasks(report: Report) -> Iterator[TaskResult]:
    """Yield the tasks of a report that failed themselves, not those that wait for one."""
    return (task for task in report.tasks if task.outcome is Outcome.FAIL)


def find_hint_task(lab: Lab, report: Report, wanted: str | None = None) -> TaskResult | None:
    """Return the task that a hint is needed for, or None where none is.

    That is the first one that failed, or the one that is wanted unless it passed; where that one is
    blocked, it is the one that it waits for.
    """
    if wanted is None:
        return next(list_failing_tasks(report), None)
    result = find_result(report, wanted)
    if result is None or result.outcome is Outcome.PASS:
        return None
    if result.outcome is not Outcome.BLOCKED:
        return result
    causes = (find_hint_task(lab, report, needed) for needed in lab.task(wanted).needs)
    return next((cause for cause in causes if cause is not None), None)


def find_result(report: Report | None, task_id: str) -> TaskResult | None:
    """Return what a report says of a task, or None where it says nothing."""
    tasks = report.tasks if report is not None else ()
    return next((task for task in tasks if task.id == task_id), None)


def answers_failure(hint: Hint, check: CheckResult) -> bool:
    """Whether a hint was written for this failure of a check; a general one is for none."""
    verdict = check.verdict
    return (
        not hint.general
        and verdict.outcome is Outcome.FAIL
        and hint.check in ("", check.id)
        and (not hint.rule or any(finding.rule == hint.rule for finding in verdict.findings))
        and any(_plain(hint.message) in _plain(said) for said in _said(verdict))
    )


def _had(task: Task, used: Sequence[int]) -> list[int]:
    # A later version of the lab may have fewer hints.
    return [number for number in used if 1 <= number <= len(task.hints)]


def _in_order(task: Task, result: TaskResult | None) -> list[int]:
    """Return the numbers of the hints that fit, those for this very failure first."""
    numbered = list(enumerate(task.hints, start=1))
    meant = [number for number, hint in numbered if _answered(hint, result)]
    return [*meant, *(number for number, hint in numbered if hint.general)]


def _answered(hint: Hint, result: TaskResult | None) -> str:
    checks = result.checks if result is not None else ()
    return next((check.id for check in checks if answers_failure(hint, check)), "")


def _said(verdict: Verdict) -> Iterator[str]:
    """Yield the words of a verdict that tell one failure from another."""
    yield verdict.message
    yield from (finding.message for finding in verdict.findings)
    if verdict.evidence is not None:
        yield verdict.evidence.actual
        yield from verdict.evidence.log


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
