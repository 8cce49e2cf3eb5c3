"""What a report says that the last one did not: points won and lost, tasks that pass at last."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from scaffolder.model import FirstPass, Lab, News, Outcome, PointChange, Report, TaskResult


class ToldTask(msgspec.Struct, frozen=True):
    """What checks told of a task: whether it passed the last time, and whether it ever did.

    `passed` is None where nobody knows any more.
    """

    passed: bool | None
    ever: bool


def find_news(lab: Lab, report: Report, before: Mapping[str, ToldTask]) -> News:
    """Return what is new in a report, after what was told `before`: nothing yet, or by task.

    A task that was never checked counts as not passed; one that passes on the start already
    (`given`) as passed, and its first pass proves nothing. What could not be graded is no news.
    """
    given = {task.id for task in lab.tasks if task.given}
    changes = [change for task in report.tasks if (change := _find_change(task, before, given))]
    first = [
        FirstPass(task.id, summarize_pass(task))
        for task in report.tasks
        if task.outcome is Outcome.PASS
        and task.id not in given
        and not (task.id in before and before[task.id].ever)
    ]
    won_first = sorted(changes, key=lambda one: one.points < 0)
    return News(tuple(won_first) if before else (), tuple(first))


def summarize_pass(task: TaskResult) -> str:
    """Return what the checks of a task that passes showed, in one sentence."""
    said = list(dict.fromkeys(check.verdict.message for check in task.checks))
    more = len(said) - 1
    also = f" (and {more} more check{'' if more == 1 else 's'})" if more > 0 else ""
    return f"{said[0]}{also}" if said else ""


def _find_change(
    task: TaskResult, before: Mapping[str, ToldTask], given: set[str]
) -> PointChange | None:
    if not task.counts:
        return None
    passed = task.outcome is Outcome.PASS
    was = before[task.id].passed if task.id in before else task.id in given
    if was is None or was is passed:
        return None
    return PointChange(task.id, task.points if passed else -task.points)
