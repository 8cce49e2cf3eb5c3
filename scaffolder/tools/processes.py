"""Run a program to its end: bounded in time and output, killed whole, never left behind.

Every subprocess of devlab's goes through `run` or `Daemon`, so that Ctrl-C, time-outs and
endless output are handled in one place.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from scaffolder.core.errors import InterruptedRunError, UnavailableError
from scaffolder.tools import process_groups

DEFAULT_OUTPUT_LIMIT = 8 * 1024 * 1024
_TICK = 0.05
_GRACE = 2.0


class CancelToken:
    """Says to every thread of a run that it is over, and ends what they wait for.

    `on_cancel` registers a callback for as long as a `with` block lasts; `cancel` calls all that
    are registered, from the cancelling thread, and each must be quick and must not raise.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[object, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def cancel(self) -> None:
        """End the run: later `raise_if_cancelled` calls raise, registered callbacks are called."""
        with self._lock:
            self._event.set()
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            callback()

    def raise_if_cancelled(self) -> None:
        """Raise InterruptedRunError where the run is over."""
        if self.cancelled:
            raise InterruptedRunError

    def wait(self, seconds: float) -> None:
        """Sleep, but wake and raise InterruptedRunError when the run is over."""
        if self._event.wait(seconds):
            raise InterruptedRunError

    @contextlib.contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` if the run is cancelled while the block lasts, or was already."""
        key = object()
        with self._lock:
            self._callbacks[key] = callback
        try:
            if self.cancelled:
                callback()
                raise InterruptedRunError
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)


class Ending(Enum):
    """How a process came to its end."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    TOO_MUCH_OUTPUT = "too much output"
    TOO_MANY_PROCESSES = "too many processes"
    TOO_MUCH_MEMORY = "too much memory"
    TOO_MUCH_DISK = "too much written"


# Told the id of a process every now and then, says how it has to end, or None.
Watch = Callable[[int], Ending | None]


@dataclass(frozen=True)
class Completed:
    """A process that is over. `returncode` is negative where a signal ended it.

    `left_behind` tells whether something that it started went on after its end, where that was to
    be found out; `signalled` whether the signal was sent that was to be sent to it.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float
    ending: Ending
    left_behind: bool = False
    signalled: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.ending is Ending.EXITED and self.returncode == 0

    @property
    def command(self) -> str:
        """The command line as a person would type it."""
        return shlex.join(self.argv)

    @property
    def output(self) -> str:
        """Standard output, then standard error."""
        return self.stdout + self.stderr

    def tail(self, lines: int = 15) -> tuple[str, ...]:
        """Return the last lines of the output that are not empty."""
        return tuple(line for line in self.output.splitlines() if line.strip())[-lines:]


def run(  # noqa: PLR0913 -- each bound is a choice of the caller's
    argv: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    cancel: CancelToken,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    output_limit: int = DEFAULT_OUTPUT_LIMIT,
    on_line: Callable[[str], None] | None = None,
    on_error_line: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    find_left: bool = False,
) -> Completed:
    """Run `argv` to its end and return what it printed.

    `timeout` is in seconds; `output_limit` in bytes over both streams together; `on_line` gets
    each line of standard output as it comes, `on_error_line` each of standard error. A process that
    exceeds either bound is killed with its process group (see `kill`), and so is one of which
    `watch` says, given its id every now and then, that it has to end. `stdin` is written as fast as
    it is read; who does not read it need not. Undecodable bytes are replaced. With `find_left` it
    is found out whether something of its process group goes on after it.

    Raises UnavailableError where the program is not there, InterruptedRunError on `cancel`.
    """
    started = time.monotonic()
    with _spawn(argv, cwd, env, bool(stdin)) as process, cancel.on_cancel(lambda: kill(process)):
        hears = {"stdout": on_line, "stderr": on_error_line}
        reader = _Reader(process, stdin, output_limit, hears, watch)
        try:
            ending = reader.read(started + timeout)
            left_behind = (
                find_left and ending is Ending.EXITED and process_groups.has_members(process.pid)
            )
        finally:
            kill(process)
    cancel.raise_if_cancelled()
    return Completed(
        argv=tuple(os.fspath(part) for part in argv),
        returncode=process.returncode,
        stdout=reader.text("stdout"),
        stderr=reader.text("stderr"),
        seconds=time.monotonic() - started,
        ending=ending,
        left_behind=left_behind,
    )


def _spawn(
    argv: Sequence[str | os.PathLike[str]],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    feeds: bool,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        name = Path(os.fspath(argv[0])).name
        raise UnavailableError(f"cannot run {name}: {error.strerror}") from error


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, its children and its process group; harmless when it is over.

    The child of bubblewrap is the first process of a process space, and all in there ends with it.
    What else left the group, as with `setsid`, lives on.
    """
    for child in list_children(process.pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def list_children(pid: int) -> list[int]:
    """Return the pids of a process's children; none where the system does not tell."""
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(child) for child in told.split()]


class _Reader:
    """Feeds a process, and collects both its streams until they end, a bound is hit, or it exits.

    `hears` says who hears the lines of a stream.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: bytes,
        limit: int,
        hears: Mapping[str, Callable[[str], None] | None],
        watch: Watch | None,
    ) -> None:
        self._process = process
        self._unfed = memoryview(stdin)
        self._watch = watch
        self._left = limit
        self._hears = hears
        self._rests = dict.fromkeys(hears, b"")
        self._chunks: dict[str, list[bytes]] = {name: [] for name in hears}

    def read(self, deadline: float) -> Ending:
        with selectors.DefaultSelector() as selector:
            for name in self._chunks:
                self._register(selector, getattr(self._process, name), name)
            if self._process.stdin is not None:
                self._register(selector, self._process.stdin, "stdin")
            ending = self._drain(selector, deadline)
        self._flush_lines()
        return ending

    def _register(self, selector: selectors.BaseSelector, stream: IO[bytes], name: str) -> None:
        os.set_blocking(stream.fileno(), False)
        event = selectors.EVENT_WRITE if name == "stdin" else selectors.EVENT_READ
        selector.register(stream, event, name)

    def _drain(self, selector: selectors.BaseSelector, deadline: float) -> Ending:
        exited_at: float | None = None
        while selector.get_map():
            now = time.monotonic()
            if now >= deadline:
                return Ending.TIMED_OUT
            if self._watch is not None and (ending := self._watch(self._process.pid)):
                return ending
            # A background child can hold the pipe open after the program itself has ended.
            if exited_at is None and self._process.poll() is not None:
                exited_at = now
            if exited_at is not None and now - exited_at > _GRACE:
                return Ending.EXITED
            for key, _ in selector.select(min(_TICK, deadline - now)):
                move = self._feed if key.data == "stdin" else self._take
                if not move(key.data, key.fileobj):  # type: ignore[arg-type]
                    selector.unregister(key.fileobj)
                    if key.data == "stdin":
                        key.fileobj.close()  # type: ignore[union-attr]
                if self._left <= 0:
                    return Ending.TOO_MUCH_OUTPUT
        return self._await_exit(deadline)

    def _feed(self, _: str, stream: IO[bytes]) -> bool:
        """Write what the process takes now, and tell whether there is more for it."""
        with contextlib.suppress(BlockingIOError):
            try:
                self._unfed = self._unfed[os.write(stream.fileno(), self._unfed) :]
            except BrokenPipeError:
                self._unfed = memoryview(b"")
        return bool(self._unfed)

    def _take(self, name: str, stream: IO[bytes]) -> bool:
        try:
            chunk = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        self._left -= len(chunk)
        self._chunks[name].append(chunk)
        hear = self._hears[name]
        if hear is not None:
            *lines, self._rests[name] = (self._rests[name] + chunk).split(b"\n")
            for line in lines:
                hear(line.decode(errors="replace"))
        return True

    def _flush_lines(self) -> None:
        for name, rest in self._rests.items():
            hear = self._hears[name]
            if hear is not None and rest:
                hear(rest.decode(errors="replace"))

    def _await_exit(self, deadline: float) -> Ending:
        """Wait for the end of a process that has closed its streams."""
        while self._process.poll() is None:
            now = time.monotonic()
            if now >= deadline:
                return Ending.TIMED_OUT
            if self._watch is not None and (ending := self._watch(self._process.pid)):
                return ending
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(_TICK, deadline - now))
        return Ending.EXITED

    def text(self, name: str) -> str:
        return b"".join(self._chunks[name]).decode(errors="replace")


class Daemon:
    """A server that runs for as long as a `with` block lasts, then is killed whole.

    Its output goes to the file `log`. `alive` tells whether it still runs.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=None if env is None else dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except (FileNotFoundError, PermissionError) as error:
                name = Path(os.fspath(argv[0])).name
                raise UnavailableError(f"cannot run {name}: {error.strerror}") from error

    @property
    def alive(self) -> bool:
        """Whether the server still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Kill the server and wait for its end."""
        kill(self._process)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
