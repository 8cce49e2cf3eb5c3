"""Run the checks of a schedule side by side, a thread for each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from scaffolder.core.errors import InterruptedRunError
from scaffolder.grading.schedule import Schedule
from scaffolder.model import CheckResult, CheckSpec
from scaffolder.tools.processes import CancelToken

# Runs one check of a task, in a thread of its own.
Checker = Callable[[str, CheckSpec], CheckResult]

# How long threads may take to unwind after Ctrl-C before the run ends without them.
_UNWIND_SECONDS = 15.0
# Seconds after which a run that was cancelled by another thread sees it.
_LOOK = 0.2


def run_schedule(
    schedule: Schedule, check: Checker, cancel: CancelToken, *, threads: int, quick_first: bool
) -> None:
    """Run every check of a schedule, up to `threads` at a time, until all its tasks have ended.

    With `quick_first` no slow check starts while a quick one could run. Raises InterruptedRunError
    on Ctrl-C and when `cancel` is called, after the checks under way have ended; what a check
    raises is raised.
    """
    scheduler = _Scheduler(schedule, check, cancel, threads, quick_first=quick_first)
    try:
        scheduler.run()
    except (KeyboardInterrupt, InterruptedRunError) as error:
        scheduler.unwind()
        raise InterruptedRunError from error
    finally:
        scheduler.close()


class _Scheduler:
    """Submits what is ready, collects what has ended."""

    def __init__(
        self,
        schedule: Schedule,
        check: Checker,
        cancel: CancelToken,
        threads: int,
        *,
        quick_first: bool,
    ) -> None:
        self._schedule = schedule
        self._check = check
        self._cancel = cancel
        self._quick_first = quick_first
        self._slow: list[tuple[str, CheckSpec]] = []
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="check")
        self._futures: dict[Future[CheckResult], str] = {}

    def run(self) -> None:
        self._submit_ready()
        while self._futures or self._slow:
            self._cancel.raise_if_cancelled()
            done, _ = wait(self._futures, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                self._schedule.record(self._futures.pop(future), future.result())
            if done:
                self._submit_ready()
            if not self._futures:
                self._submit_slow()

    def unwind(self) -> None:
        # A second Ctrl-C must not cut the cleaning short.
        with contextlib.suppress(KeyboardInterrupt):
            self._cancel.cancel()
            wait(self._futures, timeout=_UNWIND_SECONDS)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit_ready(self) -> None:
        for task_id, spec in self._schedule.start_ready():
            if self._quick_first and not spec.check.quick:
                self._slow.append((task_id, spec))
            else:
                self._submit(task_id, spec)

    def _submit_slow(self) -> None:
        while self._slow:
            self._submit(*self._slow.pop(0))

    def _submit(self, task_id: str, spec: CheckSpec) -> None:
        self._futures[self._pool.submit(self._check, task_id, spec)] = task_id
