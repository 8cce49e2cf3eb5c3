"""Run an image to its end, as `docker run` does: arguments, standard input, read-only mounts."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffolder.tools.engine.connection import RUN_LABEL, Engine
from scaffolder.tools.engine.containers import (
    Container,
    ContainerLimits,
    make_host_config,
    translate_start_errors,
)
from scaffolder.tools.engine.operating import (
    BoundedOutput,
    ContainerEndedError,
    kill_late,
    translate_container_errors,
)
from scaffolder.tools.processes import CancelToken, Completed, Ending

# Seconds that an engine may take to tell that a container has ended whose output has.
_ENDING = 20.0


@dataclass(frozen=True)
class ReadOnlyMount:
    """A file or folder of this machine, `source`, that a container sees at `target` and only reads.

    The engine must see it under the same path.
    """

    source: Path
    target: str


@dataclass(frozen=True, kw_only=True)
class ImageJob:
    """One run of an image: what comes after its name, what it is given, and its bounds.

    `arguments` follow the entry point; without any the image's own command runs. `user` is the
    image's unless given. `timeout` is in seconds, `output_limit` in bytes over both streams.
    """

    arguments: Sequence[str] = ()
    stdin: bytes = b""
    env: Mapping[str, str]
    user: str = ""
    mounts: Sequence[ReadOnlyMount] = ()
    network: bool = False
    timeout: float
    output_limit: int


def run_job(
    engine: Engine, image: str, job: ImageJob, *, run_id: str, cancel: CancelToken
) -> Completed:
    """Run a container of the image to its end, and return what it came to.

    Raises StartFailedError where the engine does not start it, UnavailableError where the engine
    does not answer, InterruptedRunError on `cancel`.
    """
    started = time.monotonic()
    output = BoundedOutput(job.output_limit)
    with _create(engine, image, job, run_id) as container, contextlib.ExitStack() as stack:
        with translate_start_errors():
            stream = engine.api.attach_socket(
                container.id, {"stdin": int(bool(job.stdin)), "stdout": 1, "stderr": 1, "stream": 1}
            )
            stack.callback(stream.close)
            engine.api.start(container.id)
        stack.enter_context(cancel.on_cancel(lambda: container.kill("SIGKILL")))
        late = stack.enter_context(kill_late(container, job.timeout))
        stack.enter_context(_feeding(stream, job.stdin))
        _read(container, stream, output)
        ended = container.wait_until(lambda one: not one.running, _ENDING, cancel)
        cancel.raise_if_cancelled()
        if ended is None:
            raise RuntimeError("the engine does not tell how a container ended")
        return Completed(
            argv=("docker", "run", "IMAGE", *job.arguments),
            returncode=ended.exit_code,
            stdout=output.text(0),
            stderr=output.text(1),
            seconds=time.monotonic() - started,
            ending=_find_ending(output, late=late.is_set(), out_of_memory=ended.out_of_memory),
        )


def _find_ending(output: BoundedOutput, *, late: bool, out_of_memory: bool) -> Ending:
    if output.left <= 0:
        return Ending.TOO_MUCH_OUTPUT
    if late:
        return Ending.TIMED_OUT
    return Ending.TOO_MUCH_MEMORY if out_of_memory else Ending.EXITED


@contextlib.contextmanager
def _create(engine: Engine, image: str, job: ImageJob, run_id: str) -> Iterator[Container]:
    mounts = [
        {"Type": "bind", "Source": str(one.source), "Target": one.target, "ReadOnly": True}
        for one in job.mounts
    ]
    network = {} if job.network else {"network_mode": "none"}
    with translate_start_errors():
        created = engine.api.create_container(
            image,
            command=list(job.arguments) or None,
            stdin_open=bool(job.stdin),
            environment=dict(job.env),
            user=job.user or None,
            labels={RUN_LABEL: run_id},
            host_config=make_host_config(engine, ContainerLimits(), mounts=mounts, **network),
            healthcheck={"Test": ["NONE"]},
        )
    container = Container(engine, str(created["Id"]), engine.reached_at, 0)
    try:
        yield container
    finally:
        container.remove()


@contextlib.contextmanager
def _feeding(stream: Any, stdin: bytes) -> Iterator[None]:
    """Send standard input, and its end, while the block lasts; who does not read it may end."""
    if not stdin:
        yield
        return
    plain: socket.socket = getattr(stream, "_sock", stream)

    def feed() -> None:
        with contextlib.suppress(OSError):
            plain.sendall(stdin)
        with contextlib.suppress(OSError):
            plain.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        # Who waits for a reader that is gone is woken by that.
        with contextlib.suppress(OSError):
            plain.shutdown(socket.SHUT_RDWR)
        thread.join()


def _read(container: Container, stream: Any, output: BoundedOutput) -> None:
    from docker.utils.socket import demux_adaptor, frames_iter

    frames = (demux_adaptor(*frame) for frame in frames_iter(stream, tty=False))
    with contextlib.suppress(ContainerEndedError), translate_container_errors(container):
        if not output.take(frames):
            container.kill("SIGKILL")
