"""Which tasks are graded, and what a task's checks add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scaffolder.labs.lab_file import require_task
from scaffolder.model import CheckResult, Lab, Outcome, Task, TaskResult

# The first of these that any check ended with is what the task ends with, unless the work makes one
# of its checks impossible: an error beside that must not take the points out of the denominator.
_WORST_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.UNAVAILABLE)


def select(lab: Lab, wanted: Sequence[str]) -> tuple[Task, ...]:
    """Return the tasks named in `wanted` and all that they need, in the lab's order.

    Nothing wanted means every task. Raises DevlabError for an unknown task.
    """
    if not wanted:
        return lab.tasks
    chosen: set[str] = set()
    pending = list(wanted)
    while pending:
        task_id = pending.pop()
        needs = require_task(lab, task_id).needs
        if task_id not in chosen:
            chosen.add(task_id)
            pending.extend(needs)
    return tuple(task for task in lab.tasks if task.id in chosen)


def in_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks in an order in which each comes after those that it needs."""
    ordered: list[Task] = []
    waiting = list(tasks)
    while waiting:
        done = {task.id for task in ordered}
        task = next(one for one in waiting if done.issuperset(one.needs))
        waiting.remove(task)
        ordered.append(task)
    return tuple(ordered)


def ready(task: Task, ended: Mapping[str, TaskResult]) -> bool:
    """Whether every task that `task` needs has ended."""
    return all(needed in ended for needed in task.needs)


def withheld(task: Task, ended: Mapping[str, TaskResult]) -> TaskResult | None:
    """Return the result of a task that is blocked by what it needs, or None if it may run.

    Only a fail blocks. Where a needed task could not be graded, this one may still be judged by
    other means, and says for itself if it cannot.
    """
    for needed in task.needs:
        if ended[needed].outcome in (Outcome.FAIL, Outcome.BLOCKED):
            reason = f"needs {needed}, which did not pass"
            return TaskResult(task.id, task.title, task.points, Outcome.BLOCKED, (), reason)
    return None


def conclude(task: Task, results: Sequence[CheckResult]) -> TaskResult:
    """Return what the checks of a task add up to: all must pass."""
    outcomes = {result.verdict.outcome for result in results}
    outcome = next((worst for worst in _WORST_FIRST if worst in outcomes), Outcome.PASS)
    if outcome is Outcome.ERROR and any(result.verdict.not_shown for result in results):
        outcome = Outcome.UNAVAILABLE
    return TaskResult(task.id, task.title, task.points, outcome, tuple(results))
