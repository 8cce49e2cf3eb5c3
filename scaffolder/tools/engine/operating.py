"""Work with a container that runs: commands in it, stopping it, starting it again."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Generator, Iterator, Sequence

from scaffolder.core.errors import WorkFaultError
from scaffolder.tools.engine.connection import translate_engine_errors
from scaffolder.tools.engine.containers import Container, _published
from scaffolder.tools.processes import CancelToken, Completed, Ending


def execute(
    container: Container,
    argv: Sequence[str],
    *,
    timeout: float,
    cancel: CancelToken,
    output_limit: int,
) -> Completed:
    """Run a command in the container, as its user, and return what it came to.

    `timeout` is in seconds, `output_limit` in bytes over both streams. No engine can end a single
    command: at either bound, and on `cancel`, the container is killed with it.
    """
    started = time.monotonic()
    api = container.engine.api
    output = _Output(output_limit)
    late = threading.Event()

    def stop() -> None:
        late.set()
        container.kill("SIGKILL")

    timer = threading.Timer(timeout, stop)
    timer.start()
    try:
        with (
            translate_engine_errors(),
            translate_refusals(container),
            cancel.on_cancel(lambda: container.kill("SIGKILL")),
        ):
            created = api.exec_create(container.id, list(argv))["Id"]
            if not output.take(api.exec_start(created, stream=True, demux=True)):
                container.kill("SIGKILL")
            code = api.exec_inspect(created)["ExitCode"]
    finally:
        timer.cancel()
    cancel.raise_if_cancelled()
    ending = Ending.TIMED_OUT if late.is_set() else Ending.EXITED
    return Completed(
        argv=tuple(argv),
        returncode=-1 if code is None else int(code),
        stdout=output.text(0),
        stderr=output.text(1),
        seconds=time.monotonic() - started,
        ending=Ending.TOO_MUCH_OUTPUT if output.left <= 0 else ending,
    )


@contextlib.contextmanager
def translate_refusals(container: Container) -> Iterator[None]:
    """Turn what the engine refuses to do with this very container into the work's fault.

    It has ended, or cannot run that; the engine itself answers.
    """
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        said = " ".join(str(error.explanation or error).split())
        state = container.state()
        what = "" if state.running else f"the container has ended (exit code {state.exit_code}): "
        raise WorkFaultError(
            f"{what}{said}", hint="docker logs CONTAINER shows what it printed last"
        ) from error


class _Output:
    """Both streams of a command, up to `left` bytes together."""

    def __init__(self, limit: int) -> None:
        self.left = limit
        self._chunks: tuple[list[bytes], list[bytes]] = ([], [])

    def take(self, stream: Generator[tuple[bytes | None, bytes | None], None, None]) -> bool:
        """Read to the end, or tell that there is more than the limit allows."""
        for pair in stream:
            for kept, chunk in zip(self._chunks, pair, strict=True):
                kept.append(chunk or b"")
                self.left -= len(chunk or b"")
            if self.left <= 0:
                # The engine is slow to kill what waits for somebody to read it.
                stream.close()
                return False
        return True

    def text(self, which: int) -> str:
        return b"".join(self._chunks[which]).decode(errors="replace")


def stop(container: Container, seconds: int) -> int:
    """Stop the container as `docker stop --time` does and return its exit code."""
    with translate_engine_errors(), translate_refusals(container):
        container.engine.api.stop(container.id, timeout=seconds)
    return container.state().exit_code


def start_again(container: Container) -> Container:
    """Start a container that was stopped, and return it with the port where it is reached now."""
    with translate_engine_errors(), translate_refusals(container):
        container.engine.api.start(container.id)
    return dataclasses.replace(container, port=_published(container.engine, container.id))
