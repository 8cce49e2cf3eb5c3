"""Run the checks of a lab side by side, as the tasks' needs allow."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from scaffolder.checks.context import Context, Run, Shared
from scaffolder.core import paths
from scaffolder.core.errors import DevlabError, InterruptedRunError
from scaffolder.core.interrupts import held_back
from scaffolder.core.text import harmless
from scaffolder.grading import plan
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.cache.verdicts import Inputs, Recall
from scaffolder.grading.judge import judge, kind_of
from scaffolder.grading.lifecycle import new_run
from scaffolder.labs.generate import build_state
from scaffolder.labs.variables import variables_of_work, whose_work
from scaffolder.model import CheckResult, CheckSpec, Lab, Report, Task, TaskResult
from scaffolder.model.events import CheckEnded, CheckSaid, CheckStarted, Event, TaskEnded
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import Skipped, Workspace, as_text, snapshot, survey

Listener = Callable[[Event], None]
# The tasks' results, and what the report should say besides, in order.
_Results = tuple[list[TaskResult], dict[str, None]]

# How long threads may take to unwind after Ctrl-C before the run ends without them.
_UNWIND_SECONDS = 15.0

NOTES_SHOWN = 5


def grade(
    lab: Lab,
    workspace: Workspace,
    *,
    only: Sequence[str] = (),
    listen: Listener = lambda _: None,
    cancel: CancelToken | None = None,
    kept: Kept | None = None,
    quick_first: bool = False,
) -> Report:
    """Check a workspace against its lab and return the report.

    `only` names tasks (what they need is graded too); `listen` is told what happens while it
    happens, from the calling thread or a check's. With `kept`, a check whose inputs are as they
    were ends with the verdict that is kept, and new verdicts are kept. With `quick_first` no slow
    check starts while a quick one could run. The workspace is copied first and never written to.
    Raises DevlabError where it cannot be copied, InterruptedRunError on Ctrl-C or when `cancel` is
    called; everything that the run created is removed either way.
    """
    tasks = plan.select(lab, only)
    started = time.monotonic()
    results = None if kept is None else _recalled(lab, workspace, tasks, kept, listen)
    if results is None:
        results = _graded(
            lab, workspace, tasks, listen, cancel or CancelToken(), kept, quick_first=quick_first
        )
    return _report(lab, workspace, results, time.monotonic() - started)


def recalled(lab: Lab, workspace: Workspace, *, only: Sequence[str], kept: Kept) -> Report | None:
    """Return the report on a workspace whose every verdict is kept; None where one is not."""
    results = _recalled(lab, workspace, plan.select(lab, only), kept, lambda _: None)
    return None if results is None else _report(lab, workspace, results, 0.0)


def _report(lab: Lab, workspace: Workspace, results: _Results, seconds: float) -> Report:
    done, notes = results
    return Report(
        lab_id=lab.id,
        lab_version=lab.version,
        lab_title=lab.title,
        workspace=as_text(workspace.root),
        tasks=tuple(done),
        seconds=seconds,
        notes=tuple(notes),
        learner=lab.learner,
    )


def _graded(
    lab: Lab,
    workspace: Workspace,
    tasks: Sequence[Task],
    listen: Listener,
    cancel: CancelToken,
    kept: Kept | None,
    *,
    quick_first: bool,
) -> _Results:
    with new_run() as (run_id, folder):
        run = _prepare(lab, workspace, tasks, run_id, folder, cancel)
        recall = None
        if kept is not None:
            seen = replace(survey(run.snapshot), skipped=run.skipped)
            recall = Recall(kept, Inputs(lab, run.variables, run.snapshot, seen))
        try:
            return _Grader(run, tasks, listen, recall, quick_first=quick_first).grade(), run.notes
        finally:
            with held_back():
                run.shared.close()


def _recalled(
    lab: Lab, workspace: Workspace, tasks: Sequence[Task], kept: Kept, listen: Listener
) -> _Results | None:
    """Return the results of tasks whose every verdict is kept; None where one has to be found.

    Then nothing is copied and nothing runs.
    """
    try:
        seen = survey(workspace.root)
    except OSError:
        return None
    variables = variables_of_work(lab, workspace.manifest)
    recall = Recall(kept, Inputs(lab, variables, workspace.root, seen))
    notes = _notes(lab, workspace, seen.skipped)
    ended: dict[str, TaskResult] = {}
    events: list[Event] = []
    for task in plan.in_order(tasks):
        result = plan.withheld(task, ended)
        if result is None:
            checks = [recall.of(spec) for spec in task.checks]
            known = [check for check in checks if check is not None]
            if len(known) < len(checks):
                return None
            events += [CheckEnded(task.id, check) for check, _ in known]
            notes |= dict.fromkeys(note for _, said in known for note in said)
            result = plan.conclude(task, [check for check, _ in known])
        ended[task.id] = result
        events.append(TaskEnded(result))
    for event in events:
        listen(event)
    return [ended[task.id] for task in tasks], notes


def _prepare(
    lab: Lab,
    workspace: Workspace,
    tasks: Sequence[Task],
    run_id: str,
    folder: Path,
    cancel: CancelToken,
) -> Run:
    variables = variables_of_work(lab, workspace.manifest)
    try:
        skipped = snapshot(workspace.root, folder / "snapshot")
    except OSError as error:
        raise _cannot_copy(error, workspace) from error
    answer = "solution" if (lab.root / "solution").is_dir() else "start"

    def render(state: str, name: str) -> Path:
        build_state(lab, state, variables, folder / name)
        return folder / name

    scratch = folder / "scratch"
    scratch.mkdir()
    run = Run(
        id=run_id,
        snapshot=folder / "snapshot",
        scratch=scratch,
        lab_root=lab.root,
        variables=variables,
        faults=lab.faults,
        start=lambda: run.shared.get("start", lambda: render("start", "start")),
        reference=lambda: run.shared.get("reference", lambda: render(answer, "reference")),
        lab_id=lab.id,
        trusted=lab.trusted,
        cancel=cancel,
        shared=Shared(cancel),
        skipped=skipped,
        checks=tuple(spec for task in tasks for spec in task.checks),
    )
    run.notes.update(_notes(lab, workspace, skipped))
    return run


def _notes(lab: Lab, workspace: Workspace, skipped: Sequence[Skipped]) -> dict[str, None]:
    """Return what a reader should know before they trust the report."""
    notes = []
    made_from = workspace.manifest.lab.version
    if made_from != lab.version:
        notes.append(
            f"made from version {made_from} of {lab.id}, checked by version {lab.version}; "
            "devlab update --dry-run tells what is new"
        )
    notes += whose_work(lab, workspace.manifest)
    shown = skipped[:NOTES_SHOWN]
    # A name need not be text, and no report could be written with one that is not.
    notes += [f"left out: {harmless(entry.path)}, {entry.reason}" for entry in shown]
    if len(skipped) > NOTES_SHOWN:
        notes.append(f"left out: {len(skipped) - NOTES_SHOWN} more")
    return dict.fromkeys(notes)


def _cannot_copy(error: OSError, workspace: Workspace) -> DevlabError:
    if error.errno == errno.ENOSPC:
        return DevlabError(
            f"no space left in the temporary folder {paths.runs().parent}",
            hint="make room there, or set TMPDIR to a folder with space",
        )
    return DevlabError(f"cannot copy {workspace.root}: {error}")


class _Grader:
    """One pass over the tasks: submits what is ready, collects what has ended."""

    def __init__(
        self,
        run: Run,
        tasks: Sequence[Task],
        listen: Listener,
        recall: Recall | None,
        *,
        quick_first: bool,
    ) -> None:
        self._run = run
        self._recall = recall
        self._quick_first = quick_first
        self._slow: list[tuple[str, CheckSpec]] = []
        # What was noted before any check ran is no check's to remember.
        self._noted = frozenset(run.notes)
        self._waiting = list(tasks)
        self._order = [task.id for task in tasks]
        self._listen = listen
        self._ended: dict[str, TaskResult] = {}
        self._open: dict[str, dict[str, CheckResult | None]] = {}
        self._tasks: Mapping[str, Task] = {task.id: task for task in tasks}
        # Checks mostly wait, for an engine or a runner; those that load the processor take turns
        # through Run.slots. So each check may have a thread.
        checks = sum(len(task.checks) for task in tasks)
        self._pool = ThreadPoolExecutor(max(1, checks), thread_name_prefix="check")
        self._futures: dict[Future[CheckResult], str] = {}

    def grade(self) -> list[TaskResult]:
        try:
            self._submit_ready()
            while self._futures or self._slow:
                self._run.cancel.raise_if_cancelled()
                done, _ = wait(self._futures, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    self._collect(self._futures.pop(future), future.result())
                if done:
                    self._submit_ready()
                if not self._futures:
                    self._submit_slow()
        except (KeyboardInterrupt, InterruptedRunError) as error:
            self._unwind()
            raise InterruptedRunError from error
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return [self._ended[task_id] for task_id in self._order]

    def _unwind(self) -> None:
        # A second Ctrl-C must not cut the cleaning short.
        with contextlib.suppress(KeyboardInterrupt):
            self._run.cancel.cancel()
            wait(self._futures, timeout=_UNWIND_SECONDS)

    def _submit_ready(self) -> None:
        moved = True
        while moved:
            moved = False
            for task in [task for task in self._waiting if plan.ready(task, self._ended)]:
                moved = True
                self._waiting.remove(task)
                self._start(task)

    def _start(self, task: Task) -> None:
        withheld = plan.withheld(task, self._ended)
        if withheld is not None:
            self._end(withheld)
            return
        self._open[task.id] = {spec.id: None for spec in task.checks}
        for spec in task.checks:
            if self._quick_first and not kind_of(spec).quick:
                self._slow.append((task.id, spec))
            else:
                self._submit(task.id, spec)

    def _submit_slow(self) -> None:
        while self._slow:
            self._submit(*self._slow.pop(0))

    def _submit(self, task_id: str, spec: CheckSpec) -> None:
        self._futures[self._pool.submit(self._check, task_id, spec)] = task_id

    def _collect(self, task_id: str, result: CheckResult) -> None:
        self._open[task_id][result.id] = result
        results = [result for result in self._open[task_id].values() if result is not None]
        if len(results) == len(self._open[task_id]):
            self._end(plan.conclude(self._tasks[task_id], results))

    def _end(self, result: TaskResult) -> None:
        self._ended[result.id] = result
        self._listen(TaskEnded(result))

    def _check(self, task_id: str, spec: CheckSpec) -> CheckResult:
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
