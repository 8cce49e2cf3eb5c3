"""Run an image to its end: a job with arguments, standard input and mounts, both streams apart."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scaffolder.tools.command import Interruption
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, translate_engine_errors
from scaffolder.tools.engine.containers import (
    Container,
    ContainerLimits,
    ContainerState,
    Hardening,
    make_host_config,
    translate_start_refusals,
)
from scaffolder.tools.processes import DEFAULT_OUTPUT_LIMIT, CancelToken, Completed, Ending

# A frame of the engine's: which stream it is of, and how many bytes follow.
_HEADER = struct.Struct(">BxxxL")
_STREAMS = {1: "stdout", 2: "stderr"}
_CHUNK = 65536
# Seconds in which the rest of the output comes after the end.
_REST = 5.0
_PAUSE = 0.05
_KILLED = 137
_FILE_BYTES = 256 * 2**20
VOLUME = "devlab-given"


@dataclass(frozen=True)
class ContainerJob:
    """What is run of an image: `arguments` stand in the place of its CMD.

    `stdin` None is none at all; with `holds_stdin` it stays open until the end. `mounts` are
    volumes by the place where they are mounted, `writable` those places that may be written to.
    Without `network` there is none.
    """

    arguments: Sequence[str] = ()
    stdin: bytes | None = None
    holds_stdin: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    network: bool = False
    mounts: Mapping[str, str] = field(default_factory=dict)
    writable: frozenset[str] = frozenset()
    hardening: Hardening | None = None
    limits: ContainerLimits = field(default_factory=ContainerLimits)


class RunningJob:
    """A job's container, its output, and its end.

    `hear` gets each line of either stream, in a thread of its own.
    """

    def __init__(self, container: Container, link: socket.socket, output_limit: int) -> None:
        self.container = container
        self.began = time.monotonic()
        self._link = link
        self._left = output_limit
        self._chunks: dict[str, list[bytes]] = {name: [] for name in _STREAMS.values()}
        self._rests = dict.fromkeys(_STREAMS.values(), b"")
        self._hears: list[Callable[[str], None]] = []
        self._lines: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)

    def start(self, stdin: bytes | None, *, holds: bool) -> None:
        """Begin to read what it prints and to write what it reads."""
        self._reading.start()
        if stdin is not None:
            feed = threading.Thread(target=self._feed, args=(stdin, holds), daemon=True)
            feed.start()

    def hear(self, listen: Callable[[str], None]) -> None:
        """Have `listen` called with every line, those that have come among them."""
        self._hears.append(listen)
        for line in list(self._lines):
            listen(line)

    def wait_for(
        self, is_wanted: Callable[[str], bool], seconds: float, cancel: CancelToken
    ) -> bool:
        """Whether a wanted line came while the job ran, within the seconds."""
        seen = threading.Event()
        self.hear(lambda line: seen.set() if is_wanted(line) else None)
        deadline = time.monotonic() + seconds
        while not seen.is_set() and time.monotonic() < deadline:
            if not self.container.state().running:
                self._reading.join(_REST)
                break
            cancel.wait(_PAUSE)
        return seen.is_set()

    def finish(
        self, seconds: float, cancel: CancelToken, interruption: Interruption | None = None
    ) -> Completed:
        """Wait for the end, at most for so many seconds from now, and return what it came to."""
        sender = _Sender(self, interruption)
        state = self.container.wait_until(sender.look, seconds, cancel)
        ending = Ending.EXITED
        if state is None:
            ending = Ending.TIMED_OUT
            self.container.kill("SIGKILL")
        took = time.monotonic() - self.began
        self._reading.join(_REST)
        last = state or self.container.state()
        if self._left <= 0:
            ending = Ending.TOO_MUCH_OUTPUT
        elif last.out_of_memory and last.exit_code == _KILLED:
            ending = Ending.TOO_MUCH_MEMORY
        return Completed(
            argv=(),
            returncode=last.exit_code,
            stdout=self._text("stdout"),
            stderr=self._text("stderr"),
            seconds=took,
            ending=ending,
            signalled=sender.sent,
        )

    def show_last_lines(self, count: int = 8) -> tuple[str, ...]:
        """Return the last lines of both streams that are not empty."""
        return tuple(line for line in self._lines if line.strip())[-count:]

    def _text(self, name: str) -> str:
        return b"".join(self._chunks[name]).decode(errors="replace")

    def _feed(self, stdin: bytes, holds: bool) -> None:
        # Who does not read it ends, and takes the connection along.
        with contextlib.suppress(OSError):
            self._link.sendall(stdin)
            if not holds:
                self._link.shutdown(socket.SHUT_WR)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while header := self._receive(_HEADER.size):
                stream, size = _HEADER.unpack(header)
                chunk = self._receive(size)
                self._left -= len(chunk)
                if self._left <= 0:
                    # The engine is slow to kill what waits for somebody to read it.
                    self._link.shutdown(socket.SHUT_RDWR)
                    self.container.kill("SIGKILL")
                    return
                self._take(_STREAMS.get(stream, "stdout"), chunk)
        for name, rest in self._rests.items():
            if rest:
                self._tell(name, rest)

    def _receive(self, size: int) -> bytes:
        """Return so many bytes; fewer only where the stream ends."""
        found = b""
        while len(found) < size:
            chunk = self._link.recv(min(_CHUNK, size - len(found)))
            if not chunk:
                return b""
            found += chunk
        return found

    def _take(self, name: str, chunk: bytes) -> None:
        self._chunks[name].append(chunk)
        *lines, rest = (self._rests[name] + chunk).split(b"\n")
        # A line that goes on and on is no longer one that somebody waits for.
        self._rests[name] = rest[:_CHUNK]
        for line in lines:
            self._tell(name, line)

    def _tell(self, _: str, raw: bytes) -> None:
        line = raw.decode(errors="replace")
        self._lines.append(line)
        for listen in list(self._hears):
            listen(line)


class _Sender:
    """Sends a job the signal of an interruption when it is due, while it waits for the end."""

    def __init__(self, job: RunningJob, plan: Interruption | None) -> None:
        self._job = job
        self._plan = plan
        self._due: float | None = None
        self.sent = False
        if plan is not None and plan.at is None:
            self._due = job.began + plan.after
        elif plan is not None:
            job.hear(self._hear)

    def _hear(self, line: str) -> None:
        plan = self._plan
        if plan is not None and plan.at is not None and self._due is None and plan.at(line):
            self._due = time.monotonic() + plan.after

    def look(self, state: ContainerState) -> bool:
        """Whether the job is over; sends what is due while it is not."""
        if not state.running:
            return True
        if self._plan and not self.sent and self._due is not None and time.monotonic() >= self._due:
            self._job.container.kill(str(self._plan.number))
            self.sent = True
        return False


@contextlib.contextmanager
def start_job(
    engine: Engine,
    image: str,
    job: ContainerJob,
    *,
    run_id: str,
    cancel: CancelToken,
    output_limit: int = DEFAULT_OUTPUT_LIMIT,
) -> Iterator[RunningJob]:
    """Run a job for as long as the block lasts, and no longer.

    Raises StartFailedError where the engine does not start it, UnavailableError where the engine
    does not answer.
    """
    with translate_start_refusals():
        created = _create(engine, image, job, run_id)
    container = Container(engine, created, engine.reached_at, 0)
    link: Any = None
    try:
        with cancel.on_cancel(lambda: container.kill("SIGKILL")):
            with translate_start_refusals():
                options = {"stdin": int(job.stdin is not None), "stdout": 1, "stderr": 1}
                link = engine.api.attach_socket(created, params={**options, "stream": 1})
                plain = getattr(link, "_sock", link)
                plain.settimeout(None)
                running = RunningJob(container, plain, output_limit)
                engine.api.start(created)
            running.start(job.stdin, holds=job.holds_stdin)
            yield running
    finally:
        container.remove()
        if link is not None:
            with contextlib.suppress(OSError):
                link.close()


def _create(engine: Engine, image: str, job: ContainerJob, run_id: str) -> str:
    from docker.types import Ulimit

    binds = [
        f"{volume}:{place}:{'rw' if place in job.writable else 'ro'},nocopy"
        for place, volume in job.mounts.items()
    ]
    config = make_host_config(
        engine,
        job.limits,
        job.hardening,
        binds=binds,
        # What it prints is read as it comes, and so is in no file of the engine's.
        log_config={"type": "none"},
        ulimits=[Ulimit(name="fsize", soft=_FILE_BYTES, hard=_FILE_BYTES)],
        **({} if job.network else {"network_mode": "none"}),
    )
    created = engine.api.create_container(
        image,
        command=list(job.arguments) or None,
        environment=dict(job.env),
        user=job.user or None,
        stdin_open=job.stdin is not None,
        labels={RUN_LABEL: run_id},
        host_config=config,
        healthcheck={"Test": ["NONE"]},
    )
    return str(created["Id"])


@contextlib.contextmanager
def make_volume(engine: Engine, image: str, content: bytes, *, run_id: str) -> Iterator[str]:
    """Make a volume for as long as the block lasts, and return its name.

    `content` is a tar archive with the folder VOLUME, which becomes the volume's own. No engine
    writes into a volume but through a container: one of `image` is made for it, and never started.
    """
    with translate_engine_errors():
        name = str(engine.api.create_volume(labels={RUN_LABEL: run_id})["Name"])
    try:
        with translate_engine_errors():
            _fill(engine, image, name, content, run_id)
        yield name
    finally:
        with contextlib.suppress(Exception):
            engine.api.remove_volume(name, force=True)


def _fill(engine: Engine, image: str, volume: str, content: bytes, run_id: str) -> None:
    config = engine.api.create_host_config(binds=[f"{volume}:/{VOLUME}:rw,nocopy"])
    made = engine.api.create_container(
        image, command=["none"], labels={RUN_LABEL: run_id}, host_config=config
    )["Id"]
    try:
        engine.api.put_archive(made, "/", content)
    finally:
        engine.api.remove_container(made, force=True, v=True)


def read_folder(container: Container, place: str, limit: int) -> bytes | None:
    """Return a folder of a container as a tar archive, or None where that is more than `limit`."""
    with translate_engine_errors():
        stream, _ = container.engine.api.get_archive(container.id, place)
        chunks, total = [], 0
        for chunk in stream:
            chunks.append(chunk)
            total += len(chunk)
            if total > limit:
                stream.close()
                return None
    return b"".join(chunks)
