"""Work with a container that runs: commands in it, stopping it, starting it again."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from scaffolder.core.errors import DevlabError, WorkFaultError
from scaffolder.tools.engine.connection import translate_engine_errors
from scaffolder.tools.engine.containers import Container, ContainerState, find_port
from scaffolder.tools.processes import CancelToken, Completed, Ending

# The exit code of what was killed.
_KILLED = 137
# Seconds after which an engine knows that a container has ended whose processes are gone.
_ENDING = 0.5


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
    output = BoundedOutput(output_limit)
    with kill_late(container, timeout) as late, cancel.on_cancel(lambda: _kill(container)):
        code = _execute(container, argv, output, late)
        if code in (None, _KILLED) and not late.is_set() and output.left > 0:
            # With its container ends what runs in it: what it came to is not its own doing then.
            ended = container.wait_until(lambda one: not one.running, _ENDING, cancel)
            if ended is not None:
                raise _ended(ended)
    cancel.raise_if_cancelled()
    ending = Ending.TIMED_OUT if late.is_set() else Ending.EXITED
    return Completed(
        argv=tuple(argv),
        returncode=-1 if code is None else code,
        stdout=output.text(0),
        stderr=output.text(1),
        seconds=time.monotonic() - started,
        ending=Ending.TOO_MUCH_OUTPUT if output.left <= 0 else ending,
    )


def _execute(
    container: Container, argv: Sequence[str], output: BoundedOutput, late: threading.Event
) -> int | None:
    """Return the exit code of a command, None where we ended it; raises where the container did."""
    api = container.engine.api
    try:
        with translate_container_errors(container):
            created = api.exec_create(container.id, list(argv))["Id"]
            if not output.take(api.exec_start(created, stream=True, demux=True)):
                _kill(container)
                return None
            told = api.exec_inspect(created)["ExitCode"]
    except ContainerEndedError:
        if late.is_set():
            return None
        raise
    return None if told is None else int(told)


@contextlib.contextmanager
def kill_late(container: Container, seconds: float) -> Iterator[threading.Event]:
    """Kill the container unless the block ends in time; yield what tells that it did not."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(container)

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _kill(container: Container) -> None:
    container.kill("SIGKILL")


class ContainerEndedError(WorkFaultError):
    """A container that should run has ended, or is gone: nothing can be done with it any more."""


@contextlib.contextmanager
def translate_container_errors(container: Container) -> Iterator[None]:
    """Say whose trouble it is when something that is asked of the engine about a container fails.

    Raises ContainerEndedError where the container has ended meanwhile, whatever the engine's words
    or the broken connection look like, UnavailableError where the engine itself is gone, and
    WorkFaultError for what a running container refuses. Anything else is raised as it was.
    """
    from docker.errors import APIError

    with translate_engine_errors():
        try:
            yield
        except DevlabError:
            raise
        except Exception as error:
            state = container.state()
            if not state.running:
                raise _ended(state) from error
            if isinstance(error, APIError):
                raise WorkFaultError(_read_refusal(error), _HINT) from error
            raise


def _read_refusal(error: Any) -> str:
    return " ".join(str(error.explanation or error).split())


def require_running(container: Container) -> None:
    """Raise ContainerEndedError where a container has ended, or is gone."""
    state = container.state()
    if not state.running:
        raise _ended(state)


_HINT = "docker logs CONTAINER shows what it printed last"


def _ended(state: ContainerState) -> ContainerEndedError:
    why = ", killed for the memory that it used" if state.out_of_memory else ""
    return ContainerEndedError(
        f"the container ended by itself (exit code {state.exit_code}{why})", hint=_HINT
    )


class BoundedOutput:
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
    """Stop the container as `docker stop --time` does and return its exit code.

    Raises ContainerEndedError where it has ended before.
    """
    require_running(container)
    with translate_container_errors(container):
        container.engine.api.stop(container.id, timeout=seconds)
    return container.state().exit_code


def start_again(container: Container) -> Container:
    """Start a container that was stopped, and return it with the port where it is reached now.

    Raises WorkFaultError where the engine does not start it.
    """
    from docker.errors import APIError

    with translate_engine_errors():
        try:
            container.engine.api.start(container.id)
            port = find_port(container.engine, container.id)
        except APIError as error:
            said = _read_refusal(error)
            raise WorkFaultError(f"the container does not start again: {said}", _HINT) from error
    return dataclasses.replace(container, port=port)
