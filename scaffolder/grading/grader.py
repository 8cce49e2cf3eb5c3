"""Grade a workspace: what is known is recalled, the rest is run, and a report says what holds."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaffolder.checks.context import Context, Run
from scaffolder.core.interrupts import hold_interrupts
from scaffolder.core.run_folders import make_run_folder
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.cache.verdicts import Inputs, Recall
from scaffolder.grading.judge import judge
from scaffolder.grading.preparation import note_beforehand, prepare_run
from scaffolder.grading.schedule import Schedule, select_tasks
from scaffolder.grading.scheduler import run_schedule
from scaffolder.labs.variables import list_work_variables
from scaffolder.model import CheckResult, CheckSpec, Lab, Outcome, Report, Task, TaskResult
from scaffolder.model.events import CheckEnded, CheckSaid, CheckStarted, Event, TaskEnded
from scaffolder.sandbox import MakeSandbox, OwnWork, identify_sandbox
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import (
    Workspace,
    WorkSurvey,
    digest_repository,
    escape_path,
    survey_work,
)

Listener = Callable[[Event], None]
# The tasks' results, and what the report should say besides, in order.
_Results = tuple[list[TaskResult], dict[str, None]]


def grade(
    lab: Lab,
    workspace: Workspace,
    *,
    only: Sequence[str] = (),
    listen: Listener = lambda _: None,
    cancel: CancelToken | None = None,
    kept: Kept | None = None,
    quick_first: bool = False,
    make_sandbox: MakeSandbox = OwnWork,
) -> Report:
    """Check a workspace against its lab and return the report.

    `only` names tasks (what they need is graded too); `listen` is told what happens while it
    happens, from the calling thread or a check's. With `kept`, a check whose inputs are as they
    were ends with the verdict that is kept, and new verdicts are kept. With `quick_first` no slow
    check starts while a quick one could run. `make_sandbox` makes what the work's commands run in:
    without it they run as one's own work. The workspace is copied first and never written to.
    Raises DevlabError where it cannot be copied, InterruptedRunError on Ctrl-C or when `cancel` is
    called; everything that the run created is removed either way.
    """
    started = time.monotonic()
    grading = _Grading(lab, workspace, select_tasks(lab, only), listen, kept, make_sandbox)
    results = grading.recall()
    if results is None:
        results = grading.run(cancel or CancelToken(), quick_first=quick_first)
    return grading.report(results, time.monotonic() - started)


def recall_report(
    lab: Lab, workspace: Workspace, *, only: Sequence[str], kept: Kept
) -> Report | None:
    """Return the report on one's own work whose every verdict is kept; None where one is not."""
    grading = _Grading(lab, workspace, select_tasks(lab, only), lambda _: None, kept, OwnWork)
    results = grading.recall()
    return None if results is None else grading.report(results, 0.0)


@dataclass(frozen=True)
class _Grading:
    """One look at a workspace: what it is graded by, and who is told."""

    lab: Lab
    workspace: Workspace
    tasks: Sequence[Task]
    listen: Listener
    kept: Kept | None
    make_sandbox: MakeSandbox

    def recall(self) -> _Results | None:
        """Return the results of tasks whose every verdict is kept; None where one has to be found.

        Then nothing is copied, nothing runs, and nothing was told.
        """
        if self.kept is None:
            return None
        try:
            seen = survey_work(self.workspace.root)
        except OSError:
            return None
        variables = list_work_variables(self.lab, self.workspace.manifest)
        ran_in = functools.partial(identify_sandbox, self.make_sandbox)
        root = self.workspace.root
        inputs = Inputs(
            self.lab, variables, root, seen, ran_in, functools.partial(digest_repository, root)
        )
        recall = Recall(self.kept, inputs)
        notes = note_beforehand(self.lab, self.workspace, seen.skipped)
        events: list[Event] = []
        schedule = Schedule(self.tasks, lambda result: events.append(TaskEnded(result)))
        while checks := schedule.start_ready():
            for task_id, spec in checks:
                known = recall.of(spec)
                if known is None:
                    return None
                result, said = known
                notes |= dict.fromkeys(said)
                events.append(CheckEnded(task_id, result))
                schedule.record(task_id, result)
        for event in events:
            self.listen(event)
        return schedule.results, notes

    def run(self, cancel: CancelToken, *, quick_first: bool) -> _Results:
        """Run what is not kept and return the results; everything that it made is removed."""
        schedule = Schedule(self.tasks, lambda result: self.listen(TaskEnded(result)))
        with make_run_folder() as folder:
            run = prepare_run(
                self.lab, self.workspace, self.tasks, folder, cancel, self.make_sandbox
            )
            try:
                # Checks mostly wait, for an engine or a runner; those that load the processor take
                # turns through Run.slots. So each check may have a thread.
                run_schedule(
                    schedule,
                    _Checker(run, self.listen, self._recall_for(run)).check,
                    cancel,
                    threads=len(run.checks),
                    quick_first=quick_first,
                )
            finally:
                with hold_interrupts():
                    run.shared.close()
        return schedule.results, run.notes

    def _recall_for(self, run: Run) -> Recall | None:
        """Return what is kept of the checks of the copy that is graded."""
        if self.kept is None:
            return None
        seen = WorkSurvey(survey_work(run.snapshot).told, run.skipped)
        copy = run.repository
        inputs = Inputs(
            self.lab,
            run.variables,
            run.snapshot,
            seen,
            lambda: run.sandbox.identity,
            lambda: "" if copy is None else copy.digest,
        )
        return Recall(self.kept, inputs)

    def report(self, results: _Results, seconds: float) -> Report:
        """Return the report on results that were found in so many seconds."""
        done, notes = results
        passed = {one.id for one in done if one.outcome is Outcome.PASS}
        return Report(
            lab_id=self.lab.id,
            lab_version=self.lab.version,
            lab_title=self.lab.title,
            workspace=escape_path(self.workspace.root),
            tasks=tuple(done),
            seconds=seconds,
            notes=tuple(notes),
            learner=self.lab.learner,
            finish=self.lab.finish if passed >= {task.id for task in self.lab.tasks} else None,
        )


class _Checker:
    """Comes to the result of a check: the one that is kept, or that of running it."""

    def __init__(self, run: Run, listen: Listener, recall: Recall | None) -> None:
        self._run = run
        self._listen = listen
        self._recall = recall
        # What was noted before any check ran is no check's to remember.
        self._noted = frozenset(run.notes)

    def check(self, task_id: str, spec: CheckSpec) -> CheckResult:
        self._run.cancel.raise_if_cancelled()
        known = self._recall.of(spec) if self._recall else None
        if known is not None:
            result, notes = known
            self._run.notes.update(dict.fromkeys(notes))
            self._listen(CheckEnded(task_id, result))
            return result
        result = self._run_check(task_id, spec)
        if self._recall:
            self._recall.keep(
                spec, result, [one for one in list(self._run.notes) if one not in self._noted]
            )
        self._listen(CheckEnded(task_id, result))
        return result

    def _run_check(self, task_id: str, spec: CheckSpec) -> CheckResult:
        self._listen(CheckStarted(task_id, spec.id))
        started = time.monotonic()
        context = Context(
            run=self._run,
            check_id=spec.id,
            timeout=spec.timeout,
            say=lambda text: self._listen(CheckSaid(task_id, spec.id, text)),
        )
        verdict = judge(spec, context)
        return CheckResult(spec.id, spec.kind, verdict, time.monotonic() - started)
