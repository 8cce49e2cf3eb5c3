"""Run the checks of a lab side by side, as the tasks' needs allow."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from scaffolder import places
from scaffolder.checks.base import CheckFailedError, Context, Kind, Run
from scaffolder.errors import (
    DevlabError,
    InterruptedRunError,
    UnavailableError,
    UnusableFileError,
)
from scaffolder.generate import build_state
from scaffolder.grading import plan
from scaffolder.grading.lifecycle import new_run
from scaffolder.journal import write_log
from scaffolder.model import (
    CheckEnded,
    CheckResult,
    CheckSaid,
    CheckSpec,
    CheckStarted,
    Event,
    Finding,
    Lab,
    Outcome,
    Report,
    Task,
    TaskEnded,
    TaskResult,
    Verdict,
    failed,
    unavailable,
)
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import Workspace, snapshot

Listener = Callable[[Event], None]

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
) -> Report:
    """Check a workspace against its lab and return the report.

    `only` names tasks (what they need is graded too); `listen` is told what happens while it
    happens, from the calling thread or a check's. The workspace is copied first and never
    written to. Raises DevlabError where it cannot be copied, InterruptedRunError on Ctrl-C or
    when `cancel` is called; everything that the run created is removed either way.
    """
    tasks = plan.select(lab, only)
    started = time.monotonic()
    with new_run() as (run_id, folder):
        run = _prepare(lab, workspace, run_id, folder, cancel or CancelToken())
        try:
            results = _Grader(run, tasks, listen).grade()
        finally:
            run.shared.close()
    return Report(
        lab_id=lab.id,
        lab_version=lab.version,
        lab_title=lab.title,
        workspace=str(workspace.root),
        tasks=tuple(results),
        seconds=time.monotonic() - started,
        notes=tuple(run.notes),
    )


def _prepare(lab: Lab, workspace: Workspace, run_id: str, folder: Path, cancel: CancelToken) -> Run:
    variables = workspace.manifest.context
    try:
        skipped = snapshot(workspace.root, folder / "snapshot")
    except OSError as error:
        raise _cannot_copy(error, workspace) from error
    start = folder / "start"

    def render_start() -> Path:
        build_state(lab, "start", variables, start)
        return start

    scratch = folder / "scratch"
    scratch.mkdir()
    run = Run(
        id=run_id,
        snapshot=folder / "snapshot",
        scratch=scratch,
        lab_root=lab.root,
        variables=variables,
        faults=lab.faults,
        start=lambda: run.shared.get("start", render_start),
        lab_id=lab.id,
        trusted=lab.trusted,
        cancel=cancel,
        skipped=skipped,
    )
    _note(run, lab, workspace)
    return run


def _note(run: Run, lab: Lab, workspace: Workspace) -> None:
    """Note what a reader should know before they trust the report."""
    made_from = workspace.manifest.lab.version
    if made_from != lab.version:
        run.notes[
            f"made from version {made_from} of {lab.id}, checked by version {lab.version}"
        ] = None
    for entry in run.skipped[:NOTES_SHOWN]:
        run.notes[f"left out: {entry.path}, {entry.reason}"] = None
    if len(run.skipped) > NOTES_SHOWN:
        run.notes[f"left out: {len(run.skipped) - NOTES_SHOWN} more"] = None


def _cannot_copy(error: OSError, workspace: Workspace) -> DevlabError:
    if error.errno == errno.ENOSPC:
        return DevlabError(
            f"no space left in the temporary folder {places.runs().parent}",
            hint="make room there, or set TMPDIR to a folder with space",
        )
    return DevlabError(f"cannot copy {workspace.root}: {error}")


class _Grader:
    """One pass over the tasks: submits what is ready, collects what has ended."""

    def __init__(self, run: Run, tasks: Sequence[Task], listen: Listener) -> None:
        self._run = run
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
            while self._futures:
                self._run.cancel.raise_if_cancelled()
                done, _ = wait(self._futures, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    self._collect(self._futures.pop(future), future.result())
                if done:
                    self._submit_ready()
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
            future = self._pool.submit(self._check, task.id, spec)
            self._futures[future] = task.id

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
        self._listen(CheckStarted(task_id, spec.id))
        started = time.monotonic()
        context = Context(
            run=self._run,
            check_id=spec.id,
            timeout=spec.timeout,
            say=lambda text: self._listen(CheckSaid(task_id, spec.id, text)),
        )
        verdict = judge(spec, context)
        result = CheckResult(spec.id, spec.kind, verdict, time.monotonic() - started)
        self._listen(CheckEnded(task_id, result))
        return result


def judge(spec: CheckSpec, context: Context) -> Verdict:
    """Run one check and turn whatever it raises into the verdict that it means."""
    try:
        verdict = _kind(spec).run(context)
    except InterruptedRunError:
        raise
    except CheckFailedError as error:
        return error.verdict
    except UnusableFileError as error:
        finding = Finding(error.message, path=error.path, line=error.line)
        return failed(f"{error.path} {error.message}", finding, hint=error.hint)
    except UnavailableError as error:
        return unavailable(error.message, error.hint)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is ours and becomes `error`
        # A run that was cancelled breaks checks in the middle of what they do.
        context.run.cancel.raise_if_cancelled()
        return _own_fault(spec, error)
    context.run.cancel.raise_if_cancelled()
    return verdict


def _kind(spec: CheckSpec) -> Kind:
    if not isinstance(spec.check, Kind):
        raise TypeError(f"{spec.id}: {spec.kind} is no check kind")
    return spec.check


def _own_fault(spec: CheckSpec, error: Exception) -> Verdict:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Verdict(
            Outcome.ERROR,
            "no space left on the disk while checking",
            hint="make room, or set TMPDIR to a folder with space",
        )
    log = write_log(f"check {spec.id} ({spec.kind})", error)
    return Verdict(
        Outcome.ERROR,
        f"devlab itself failed here: {type(error).__name__}: {error}",
        hint=f"this is not your fault; please report it with {log}",
    )
