"""Run a lab's test file in a process of its own, and serve it: the grader's end of the socket.

Who can write the outcome? Only who holds the socket, and that is the tester alone:

- It is a process apart: devlab's interpreter, isolated (`-I`: no PYTHON* variables, no folder of
  the user's packages, not the current folder on the path), with a scrubbed environment, and pytest
  told of every file by name: our ini file, the lab's own tests/ as the root and the limit for
  conftest.py, no plugin but ours, no cache, no byte code of the lab's read or written. Nothing of
  the workspace is ever on its path; audit hooks (`runner/guard.py`) refuse to load it by mistake.
- What the learner's code may do, it does in the sandbox or in a container, started by the *grader*,
  so it is no child of the tester and inherits nothing of it. All of the tester's files lie beside
  the run's scratch space, where sandboxed commands cannot write.
- The socket's name is gone as soon as the tester has shown a password that only its standard input
  told it. Exit code and output of the tester decide nothing; the verdict is made of one record per
  test and a last one that counts them (`verdict.py`).

Where bubblewrap does not work, the learner's commands are processes of the same user. The tester
hides its memory from them where the kernel lets it, but they could kill it: that is an `error`,
never a pass. As everywhere in `OwnWork`, it is no wall against somebody who means harm.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import msgspec

from scaffolder.checks.context import Context
from scaffolder.checks.families import find_fixtures
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pytest.services import Services
from scaffolder.checks.serving import FixtureParameters, find_tester_folder
from scaffolder.core.errors import InterruptedRunError, WorkFaultError
from scaffolder.core.run_folders import SocketFolder
from scaffolder.model import Finding
from scaffolder.model.tool import Tool
from scaffolder.sandbox import make_environment
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Completed

_START_SECONDS = 30.0
_TICK = 0.05
_MESSAGE_LIMIT = 16 * 1024 * 1024
_TESTER_SECONDS = 24 * 3600.0


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message: who speaks knows the password."""

    password: str


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A test asks the grader for something and waits for the answer."""

    what: str
    parameters: dict[str, Any]


class Collected(msgspec.Struct, frozen=True, tag="collected"):
    """The tests that there are."""

    tests: tuple[str, ...]


class Tested(msgspec.Struct, frozen=True, tag="tested"):
    """What became of one test, or of a file that could not be collected.

    `condition` is what an assertion asks for. `raised` is the number of what a request raised,
    where that ended the test.
    """

    test: str
    outcome: Literal["passed", "failed", "skipped", "broken"]
    message: str = ""
    condition: str = ""
    hint: str = ""
    ran: str = ""
    expected: str = ""
    actual: str = ""
    log: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    raised: int | None = None


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """All is over: how many tests were collected, and pytest's exit code."""

    collected: int
    code: int


@dataclass
class Transcript:
    """All that the tester told, and how it ended. `late` says that its time was over.

    `raised` holds what requests raised; `output` is what the tester printed.
    """

    collected: tuple[str, ...] = ()
    tested: list[Tested] = field(default_factory=list)
    finished: Finished | None = None
    raised: list[Exception] = field(default_factory=list)
    late: bool = False
    output: tuple[str, ...] = ()


_MESSAGE: msgspec.json.Decoder[Call | Collected | Tested | Finished] = msgspec.json.Decoder(
    Call | Collected | Tested | Finished
)


def transcribe(
    context: Context,
    parameters: Mapping[str, FixtureParameters],
    tools: Iterable[Tool],
    file: Path,
    folder: Path,
    chosen: str = "",
) -> Transcript:
    """Run the test file in the lab's folder of tests; return what the tester told.

    Of its tests only the `chosen` one is run, named as pytest does behind the file, if one is.

    `parameters` are those of the families' fixtures, by name, `tools` what the tests run.

    The tests' own time, without what they ask of the grader, is bounded by the check's timeout.
    """
    with _place(context) as place:
        services = Services(context, parameters, tools, place)
        desk = _Desk(context, services)
        with contextlib.closing(services), _listening(place) as (listener, address):
            password = secrets.token_hex(32)
            settings = {
                "address": address,
                "password": password,
                "parent": os.getpid(),
                "file": f"{file}::{chosen}" if chosen else str(file),
                "folder": str(folder),
                "ini": str(place / "pytest.ini"),
                "basetemp": str(place / "tmp" / "pytest"),
                "bytecode": str(place / "bytecode"),
                "work": str(services.work),
                "variables": dict(context.run.variables),
                "plugins": list_plugins(),
            }
            with _tester(place, settings) as tester:
                connection = _accept(context, listener, address, password, tester)
                if connection is not None:
                    with connection:
                        desk.serve(connection, tester)
    desk.transcript.output = _said(tester)
    return desk.transcript


def list_plugins() -> list[str]:
    """Return where the tester's side of all families' fixtures is, each place once."""
    return list(dict.fromkeys(one.name_plugin(name) for name, one in find_fixtures().items()))


@contextlib.contextmanager
def _place(context: Context) -> Iterator[Path]:
    """Make the tester's folder."""
    place = find_tester_folder(context)
    place.mkdir(mode=0o700)
    (place / "pytest.ini").write_text("[pytest]\n", "utf-8")
    yield place


@contextlib.contextmanager
def _listening(place: Path) -> Iterator[tuple[socket.socket, str]]:
    with (
        SocketFolder(place, len("/s")) as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
    ):
        address = f"{folder}/s"
        listener.bind(address)
        listener.listen()
        listener.settimeout(_TICK)
        yield listener, address


@contextlib.contextmanager
def _tester(place: Path, settings: dict[str, Any]) -> Iterator[Future[Completed]]:
    """Run the tester for as long as the block lasts; it is killed at the end."""
    stop = CancelToken()
    with ThreadPoolExecutor(1, thread_name_prefix="tester") as pool:
        future = pool.submit(
            processes.run,
            [sys.executable, "-I", "-B", "-m", "scaffolder.checks.pytest.runner", str(place)],
            cwd=place,
            env=make_environment(place, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
            stdin=json.dumps(settings).encode(),
            timeout=_TESTER_SECONDS,
            cancel=stop,
        )
        try:
            yield future
        finally:
            stop.cancel()


def _said(tester: Future[Completed]) -> tuple[str, ...]:
    try:
        return tester.result().tail(30)
    except InterruptedRunError:
        return ()


def _accept(
    context: Context,
    listener: socket.socket,
    address: str,
    password: str,
    tester: Future[Completed],
) -> Connection[Any, Any] | None:
    """Return the connection to who knows the password, or None where the tester has ended."""
    deadline = time.monotonic() + _START_SECONDS
    while not tester.done():
        context.run.cancel.raise_if_cancelled()
        if time.monotonic() > deadline:
            raise RuntimeError(f"the tester did not start within {_START_SECONDS:.0f} s")
        try:
            accepted, _ = listener.accept()
        except TimeoutError:
            continue
        accepted.setblocking(True)
        connection: Connection[Any, Any] = Connection(accepted.detach())
        if _knows(connection, password):
            # At once, so that nobody else can find it. Its folder goes with the block, or is swept.
            Path(address).unlink()
            return connection
        connection.close()
    return None


def _knows(connection: Connection[Any, Any], password: str) -> bool:
    try:
        if not connection.poll(1):
            return False
        hello = msgspec.json.decode(connection.recv_bytes(1024), type=Hello)
    except (EOFError, OSError, msgspec.MsgspecError):
        return False
    return secrets.compare_digest(hello.password, password)


class _Desk:
    """Answers what a test asks, and writes down what it tells."""

    def __init__(self, context: Context, services: Services) -> None:
        self.transcript = Transcript()
        self._context = context
        self._services = services

    def serve(self, connection: Connection[Any, Any], tester: Future[Completed]) -> None:
        """Serve until the tester is through, has ended, or has no time left."""
        left = self._context.timeout
        while self.transcript.finished is None:
            self._context.run.cancel.raise_if_cancelled()
            if left <= 0:
                self.transcript.late = True
                return
            waited = time.monotonic()
            ready = connection.poll(_TICK)
            left -= time.monotonic() - waited
            if ready:
                try:
                    self._take(connection, connection.recv_bytes(_MESSAGE_LIMIT))
                except (EOFError, OSError):
                    return
            elif tester.done():
                return

    def _take(self, connection: Connection[Any, Any], message: bytes) -> None:
        match _MESSAGE.decode(message):
            case Call() as call:
                connection.send_bytes(msgspec.json.encode(self._answer(call)))
            case Collected() as collected:
                self.transcript.collected = collected.tests
            case Tested() as tested:
                self.transcript.tested.append(tested)
            case Finished() as finished:
                self.transcript.finished = finished

    def _answer(self, call: Call) -> dict[str, Any]:
        try:
            return {"value": self._services.answer(call.what, call.parameters)}
        except InterruptedRunError:
            raise
        except Exception as error:  # noqa: BLE001 -- raised again when the verdict is made
            self._context.run.cancel.raise_if_cancelled()
            self.transcript.raised.append(error)
            return {
                "raised": len(self.transcript.raised) - 1,
                "work": isinstance(error, CheckFailedError | WorkFaultError),
                "message": str(error),
            }
