"""Grade in a process of its own: requests come as lines of JSON, answers go as lines of JSON.

    python -m scaffolder.grading.worker < requests > answers

One request is graded at a time, in the order in which they come. The process ends with its input.
SIGTERM and Ctrl-C end it at once, after what the run under way has made was removed; so does a
reader that goes away, for nobody would learn what came of it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import BinaryIO, NoReturn

import msgspec

from scaffolder.core.errors import DevlabError, ExitCode, InterruptedRunError
from scaffolder.grading.requests import fail_request, grade_request
from scaffolder.model.requests import GradeAnswer, GradeEvent, GradeRequest, GradeResult


def main() -> NoReturn:
    """Serve standard input and output."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_reader, args=(answers.fileno(),), daemon=True).start()
    code = ExitCode.PASSED
    try:
        serve(sys.stdin.buffer, answers)
    except (KeyboardInterrupt, InterruptedRunError, BrokenPipeError):
        code = ExitCode.INTERRUPTED
    # A thread may still hang in a library call; everything it could own was removed already.
    os._exit(int(code))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _end_with_reader(answers: int) -> None:
    """End this process as SIGTERM does once nobody reads its answers any more."""
    poll = select.poll()
    # Nothing is asked for: that the other end is closed is told in any case.
    poll.register(answers, 0)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)


def serve(requests: Iterable[bytes], answers: BinaryIO) -> None:
    """Write what becomes of each request, one after the other, until there are no more.

    A line that is no request is answered with a failure. Raises InterruptedRunError or
    KeyboardInterrupt on a signal, BrokenPipeError where nobody reads the answers.
    """
    lock = threading.Lock()

    def answer(one: GradeAnswer) -> None:
        line = msgspec.json.encode(one) + b"\n"
        with lock:
            answers.write(line)
            answers.flush()

    for line in requests:
        if line.strip():
            answer(_result_of(line, answer))


def _result_of(line: bytes, answer: Callable[[GradeAnswer], None]) -> GradeResult:
    try:
        request = msgspec.json.decode(line, type=GradeRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return fail_request(_id_in(line), DevlabError(f"this is no request to grade: {error}"))
    if not request.events:
        return grade_request(request)
    return grade_request(request, listen=lambda event: answer(GradeEvent(request.id, event)))


class _Named(msgspec.Struct):
    id: str = ""


def _id_in(line: bytes) -> str:
    """Return the id of what is no request, as far as it has one."""
    try:
        return msgspec.json.decode(line, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


if __name__ == "__main__":
    main()
