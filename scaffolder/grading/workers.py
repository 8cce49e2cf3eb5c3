"""Grade many requests in processes beside each other."""

from __future__ import annotations

import contextlib
import queue
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import msgspec

from scaffolder.core.errors import DevlabError, ExitCode, InterruptedRunError
from scaffolder.grading.lifecycle import sweep_and_note
from scaffolder.grading.requests import fail_request
from scaffolder.model.requests import GradeAnswer, GradeRequest, GradeResult
from scaffolder.tools.line_process import LineProcess
from scaffolder.tools.processes import CancelToken

# -P: nothing is imported from the folder in which it runs.
_WORKER = (sys.executable, "-P", "-m", "scaffolder.grading.worker")
# Seconds within which a worker ends that was told to: it removes what its run has made.
_UNWIND_SECONDS = 20.0
# Seconds after which a cancelling by another thread is seen.
_LOOK = 0.2


def grade_requests(
    requests: Sequence[GradeRequest],
    *,
    workers: int,
    listen: Callable[[GradeAnswer], None] = lambda _: None,
    cancel: CancelToken | None = None,
) -> tuple[GradeResult, ...]:
    """Grade requests in up to `workers` processes and return their results, in the same order.

    `listen` is told of each result, and of what happens where a request asks for events, from
    several threads. Where a worker dies, its request ends with a failure that says so, what its
    run left behind is swept, and another worker goes on. Raises InterruptedRunError on Ctrl-C and
    when `cancel` is called; then every worker has ended. It works off the main thread, too.
    """
    grading = _Grading(requests, listen, cancel or CancelToken())
    count = max(1, min(workers, len(requests)))
    with ThreadPoolExecutor(count, thread_name_prefix="worker") as pool:
        futures = [pool.submit(grading.serve) for _ in range(count)]
        try:
            grading.await_end(futures)
        except BaseException:
            grading.unwind(futures)
            raise
    return grading.results


class _Grading:
    """The requests of one call, and what has become of them."""

    def __init__(
        self,
        requests: Sequence[GradeRequest],
        listen: Callable[[GradeAnswer], None],
        cancel: CancelToken,
    ) -> None:
        self._requests = requests
        self._listen = listen
        self._cancel = cancel
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(requests)):
            self._waiting.put(number)
        self._results: dict[int, GradeResult] = {}
        self._workers: list[LineProcess] = []

    @property
    def results(self) -> tuple[GradeResult, ...]:
        return tuple(self._results[number] for number in range(len(self._requests)))

    def await_end(self, futures: Sequence[Future[None]]) -> None:
        pending = set(futures)
        try:
            while pending:
                self._cancel.raise_if_cancelled()
                done, pending = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except KeyboardInterrupt as error:
            raise InterruptedRunError from error

    def unwind(self, futures: Sequence[Future[None]]) -> None:
        """End every worker. One that does not end in time is killed, and what it left swept.

        So it is where somebody presses Ctrl-C again.
        """
        with contextlib.suppress(KeyboardInterrupt):
            self._cancel.cancel()
            wait(futures, timeout=_UNWIND_SECONDS)
        late = [worker for worker in self._workers if worker.alive]
        for worker in late:
            worker.kill()
        if late:
            sweep_and_note()

    def serve(self) -> None:
        """Have one request after the other graded, in one process for as long as it lives."""
        worker: LineProcess | None = None
        try:
            while True:
                self._cancel.raise_if_cancelled()
                try:
                    number = self._waiting.get_nowait()
                except queue.Empty:
                    return
                if worker is None:
                    worker = LineProcess(_WORKER)
                    self._workers.append(worker)
                result = self._grade(self._requests[number], worker)
                if result is None:
                    result = _fail_dead(self._requests[number], worker)
                    worker = None
                self._results[number] = result
                self._listen(result)
        finally:
            if worker is not None:
                worker.close(_UNWIND_SECONDS)

    def _grade(self, request: GradeRequest, worker: LineProcess) -> GradeResult | None:
        """Return what a worker made of a request; None where it died over it."""
        try:
            line = msgspec.json.encode(request)
        except UnicodeEncodeError:
            error = DevlabError("the request holds a name that is no text and cannot be sent")
            return fail_request(request.id, error)
        with self._cancel.on_cancel(worker.end):
            # One that is dead reads nothing, and has no answers either.
            with contextlib.suppress(OSError):
                worker.tell(line)
            for said in worker.read_lines():
                answer = msgspec.json.decode(said, type=GradeAnswer)
                if isinstance(answer, GradeResult):
                    return answer
                self._listen(answer)
        self._cancel.raise_if_cancelled()
        return None


def _fail_dead(request: GradeRequest, worker: LineProcess) -> GradeResult:
    how = worker.describe_end()
    worker.close(_UNWIND_SECONDS)
    sweep_and_note()
    return fail_request(
        request.id,
        DevlabError(
            f"the process that graded this {how}",
            hint="grade it again; if that happens again, please report it",
            exit_code=ExitCode.UNGRADED,
        ),
    )
