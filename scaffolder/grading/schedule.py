"""The rules of grading: which task may start, which is withheld, and what a task adds up to.

There are no threads in here: `scheduler` runs a schedule, `grader` also follows one with verdicts
that are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scaffolder.labs.lab_file import require_task
from scaffolder.model import CheckResult, CheckSpec, Lab, Outcome, Task, TaskResult

# The first of these that any check ended with is what the task ends with, unless the work makes one
# of its checks impossible: an error beside that must not take the points out of the denominator.
_WORST_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.UNAVAILABLE)


def select_tasks(lab: Lab, wanted: Sequence[str]) -> tuple[Task, ...]:
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


class Schedule:
    """The tasks of one grading: what may run now, and what has ended.

    Whoever follows it runs what `start_ready` returns and says what came of it, until there is
    nothing left of either. `tell` hears of each task that ends. It is used from one thread.
    """

    def __init__(self, tasks: Sequence[Task], tell: Callable[[TaskResult], None]) -> None:
        self._tasks: Mapping[str, Task] = {task.id: task for task in tasks}
        self._tell = tell
        self._waiting = list(tasks)
        self._open: dict[str, dict[str, CheckResult | None]] = {}
        self._ended: dict[str, TaskResult] = {}

    def start_ready(self) -> list[tuple[str, CheckSpec]]:
        """Start every task that may, and return its checks, each with the id of its task.

        A task that is blocked by what it needs ends with that, and others may be ready then.
        """
        started: list[tuple[str, CheckSpec]] = []
        while ready := [task for task in self._waiting if self._is_ready(task)]:
            for task in ready:
                self._waiting.remove(task)
                withheld = _withhold_task(task, self._ended)
                if withheld is not None:
                    self._end(withheld)
                    continue
                self._open[task.id] = {spec.id: None for spec in task.checks}
                started += [(task.id, spec) for spec in task.checks]
        return started

    def record(self, task_id: str, result: CheckResult) -> None:
        """Take what a check came to; its task ends with the last of its checks."""
        checks = self._open[task_id]
        checks[result.id] = result
        results = [result for result in checks.values() if result is not None]
        if len(results) == len(checks):
            self._end(conclude_task(self._tasks[task_id], results))

    @property
    def results(self) -> list[TaskResult]:
        """What the tasks came to, in the lab's order; all of them have ended."""
        return [self._ended[task_id] for task_id in self._tasks]

    def _is_ready(self, task: Task) -> bool:
        return all(needed in self._ended for needed in task.needs)

    def _end(self, result: TaskResult) -> None:
        self._ended[result.id] = result
        self._tell(result)


def _withhold_task(task: Task, ended: Mapping[str, TaskResult]) -> TaskResult | None:
    """Return the result of a task that is blocked by what it needs, or None if it may run.

    Only a fail blocks. Where a needed task could not be graded, this one may still be judged by
    other means, and says for itself if it cannot.
    """
    for needed in task.needs:
        if ended[needed].outcome in (Outcome.FAIL, Outcome.BLOCKED):
            reason = f"needs {needed}, which did not pass"
            return TaskResult(task.id, task.title, task.points, Outcome.BLOCKED, (), reason)
    return None


def conclude_task(task: Task, results: Sequence[CheckResult]) -> TaskResult:
    """Return what the checks of a task add up to: all must pass."""
    outcomes = {result.verdict.outcome for result in results}
    outcome = next((worst for worst in _WORST_FIRST if worst in outcomes), Outcome.PASS)
    if outcome is Outcome.ERROR and any(result.verdict.not_shown for result in results):
        outcome = Outcome.UNAVAILABLE
    return TaskResult(task.id, task.title, task.points, outcome, tuple(results))
