"""The contract of sessions: steps once, turns in order, whose fault a dead server is, the end."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.context import Context, Run, Shared
from scaffolder.checks.docker.building import ImageSession
from scaffolder.checks.docker.containers import ContainerKind, ServiceSession
from scaffolder.checks.github.rehearsal_stage import RehearsalSession
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.checks.python.environment import EnvironmentSession
from scaffolder.checks.python.suite import SuiteKey, SuiteSession
from scaffolder.checks.session import Session, find_session
from scaffolder.checks.terraform.session import TerraformKey, TerraformSession
from scaffolder.core.errors import InterruptedRunError, NotShownError, UnavailableError
from scaffolder.grading.judge import judge
from scaffolder.model import Cause, CheckParameters, CheckSpec, Outcome, Verdict, passed
from scaffolder.sandbox import OwnWork
from scaffolder.tools.processes import CancelToken

SECONDS = 20.0
MANY = 20

# Answers each line; `die` ends it, after `hang` it answers nobody, `late` is answered when the file
# that stands behind the word is there.
SERVER = """
import os, pathlib, socketserver, threading, time
hangs = threading.Event()
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        word, _, path = self.rfile.readline().decode().strip().partition(" ")
        if word == "die":
            os._exit(1)
        if word == "hang":
            hangs.set()
        while hangs.is_set() or word == "late" and not pathlib.Path(path).exists():
            time.sleep(0.01)
        self.wfile.write(f"{word} answered".encode())
socketserver.ThreadingTCPServer.daemon_threads = True
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


class FakeServer:
    """A real server in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True
        )
        self.asked = threading.Event()
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline())

    def ask(self, text: str, timeout: float) -> str:
        with socket.create_connection(("127.0.0.1", self._port), timeout) as connection:
            connection.sendall(f"{text}\n".encode())
            self.asked.set()
            if answer := connection.recv(100):
                return answer.decode()
        raise ConnectionError("the server said nothing")

    def stop(self) -> None:
        with self._process:
            self._process.kill()


class ServedSession(Session[str]):
    """A session with a server; the key says what its control comes to."""

    opening = "the start of the server"
    # How long, in seconds, it may take to tell that it is alive.
    patience = 0.3

    def __init__(self, run: Run, key: str) -> None:
        super().__init__(run, key)
        self.server: FakeServer | None = None

    def open(self, context: Context) -> None:
        server = self.server = FakeServer()
        self.watch("the server", lambda: server.ask("alive", self.patience) == "alive answered")

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()

    def is_good(self, result: object) -> bool:
        return result != "silence"

    def try_reference(self, context: Context) -> None:
        if self.key == "no control":
            return super().try_reference(context)
        if self.key == "fails too":
            raise UnavailableError("it is nowhere to be had")
        return None

    def told(self, context: Context, text: str, timeout: float, *, tells: bool = False) -> str:
        """Return an answer; none within the seconds is the work's failure, or what `tells` says."""

        def ask() -> str:
            assert self.server is not None
            try:
                return self.server.ask(text, timeout)
            except OSError as error:
                if tells:
                    return "silence"
                raise CheckFailedError("the work did not get its answer") from error

        return self.run_step(context, f"asking {text.partition(' ')[0]}", ask, about=text)


class Asks(Kind, frozen=True, kw_only=True):
    """Passes where the session's server answers."""

    control: str
    text: str
    timeout: float = SECONDS
    tells: bool = False

    def run(self, context: Context) -> Verdict:
        session = find_session(context.run, ServedSession, self.control)
        return passed(session.told(context, self.text, self.timeout, tells=self.tells))


def new_run(folder: Path, **options: Any) -> Run:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    own = OwnWork(scratch)
    return Run("test", folder, scratch, folder, {}, {}, lambda: folder, sandbox=own, **options)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    cancel = CancelToken()
    made = new_run(tmp_path, cancel=cancel, shared=Shared(cancel))
    yield made
    made.shared.close()


@pytest.fixture
def context(run: Run) -> Context:
    return Context(run, "tested", SECONDS)


def verdict_of(context: Context, kind: Kind) -> Verdict:
    return judge(CheckSpec("tested", "k", kind, SECONDS), context)


@pytest.mark.parametrize("tells", [False, True], ids=["raised", "returned"])
@pytest.mark.parametrize("trouble", ["die", "hang"])
@pytest.mark.parametrize(
    ("control", "outcome", "cause"),
    [
        ("works", Outcome.UNAVAILABLE, Cause.WORK),
        ("fails too", Outcome.UNAVAILABLE, Cause.MACHINE),
        ("no control", Outcome.ERROR, None),
    ],
)
def test_a_dead_or_silent_server_is_never_a_fail_of_the_works(
    context: Context, trouble: str, control: str, outcome: Outcome, cause: Cause | None, tells: bool
) -> None:
    found = verdict_of(context, Asks(control=control, text=trouble, timeout=0.3, tells=tells))
    assert found.outcome is outcome, found
    assert found.cause is cause
    assert f"the server ended while asking {trouble} ran" in str(found)


def test_a_late_answer_is_an_answer(context: Context, tmp_path: Path) -> None:
    session = find_session(context.run, ServedSession, "works")
    assert session.told(context, "hello", SECONDS) == "hello answered"
    assert session.server is not None
    session.server.asked.clear()
    sign = tmp_path / "sign"
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(verdict_of, context, Asks(control="works", text=f"late {sign}"))
        assert session.server.asked.wait(SECONDS)
        sign.touch()
        assert found.result(SECONDS).outcome is Outcome.PASS


def test_an_answer_too_late_for_the_work_is_its_fail_while_the_server_lives(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServedSession, "patience", SECONDS)
    late = Asks(control="fails too", text=f"late {tmp_path / 'never'}", timeout=0.1)
    found = verdict_of(context, late)
    assert (found.outcome, found.message) == (Outcome.FAIL, "the work did not get its answer")


class PlainSession(Session[str]):
    """A session that writes down what it does; its key says where it fails."""

    log: list[str]

    def __init__(self, run: Run, key: str) -> None:
        super().__init__(run, key)
        self.log = run.shared.get("log", list)

    def open(self, context: Context) -> None:
        self.log.append(f"open {self.key}")
        if "needs" in self.key:
            find_session(self.run, PlainSession, self.key.partition(" needs ")[2]).used(context)
        if "does not open" in self.key:
            raise RuntimeError("it does not open")

    def close(self) -> None:
        self.log.append(f"close {self.key}")
        if "does not close" in self.key:
            raise RuntimeError("it does not close")

    def is_shared_by(self, kind: CheckParameters) -> bool:
        return isinstance(kind, Asks)

    def used(self, context: Context) -> None:
        self.run_step(context, "use", lambda: self.log.append(f"use {self.key}"))


def in_threads(count: int, action: Callable[[int], object]) -> list[object]:
    """Return what the action came to in each of as many threads, its exception if it raised."""

    def attempt(number: int) -> object:
        try:
            return action(number)
        except Exception as error:  # noqa: BLE001 -- looked at by the test
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(attempt, range(count)))


@pytest.mark.parametrize("rank", [None, 3])
def test_a_step_is_done_once_for_all_who_ask(context: Context, rank: int | None) -> None:
    session = find_session(context.run, PlainSession, "a")
    here = threading.Barrier(MANY)
    made: list[str] = []

    def make() -> list[str]:
        made.append("made")
        return made

    def ask(_: int) -> list[str]:
        here.wait(SECONDS)
        return session.run_step(context, "step", make, rank=rank)

    assert all(found is made for found in in_threads(MANY, ask))
    assert made == ["made"]
    assert session.log == ["open a"]


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("error", [CheckFailedError("no"), UnavailableError("no"), OSError("no")])
def test_what_a_step_raises_everybody_gets(
    context: Context, rank: int | None, error: Exception
) -> None:
    session = find_session(context.run, PlainSession, "a")
    here = threading.Barrier(MANY)
    tried: list[int] = []

    def make() -> None:
        tried.append(1)
        raise error

    def ask(_: int) -> None:
        here.wait(SECONDS)
        session.run_step(context, "step", make, rank=rank)

    assert all(found is error for found in in_threads(MANY, ask))
    assert tried == [1]


def test_steps_are_told_apart_by_what_they_are_about(context: Context) -> None:
    session = find_session(context.run, PlainSession, "a")
    found = [session.run_step(context, "step", lambda n=n: n, about=n) for n in (1, 2, 1)]
    assert found == [1, 2, 1]


def test_a_session_that_does_not_open_says_so_to_everybody(context: Context) -> None:
    session = find_session(context.run, PlainSession, "a does not open")
    found = in_threads(MANY, lambda number: session.run_step(context, "step", int, about=number))
    assert {str(one) for one in found} == {"it does not open"}
    assert session.log == ["open a does not open"]
    context.run.shared.close()
    assert session.log[1:] == ["close a does not open"]


class CountingToken(CancelToken):
    """A token that tells of those who begin to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Semaphore(0)

    @contextlib.contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        with super().on_cancel(callback):
            self.waiting.release()
            yield


@pytest.fixture
def waited(tmp_path: Path) -> CountingToken:
    return CountingToken()


@pytest.fixture
def watched(tmp_path: Path, waited: CountingToken) -> Context:
    """A context whose token tells of those who begin to wait."""
    return Context(new_run(tmp_path, cancel=waited), "tested", SECONDS)


def await_waiting(token: CountingToken, count: int) -> None:
    for _ in range(count):
        assert token.waiting.acquire(timeout=SECONDS)


def test_turns_are_exclusive_and_go_by_rank(watched: Context, waited: CountingToken) -> None:
    session = find_session(watched.run, PlainSession, "a")
    session.used(watched)
    held, inside = threading.Event(), threading.Lock()
    await_waiting(waited, 1)  # the turn in which it was opened
    served: list[int] = []

    def first() -> None:
        assert held.wait(SECONDS)

    def serve(rank: int) -> None:
        assert inside.acquire(blocking=False), "another has the turn"
        served.append(rank)
        inside.release()

    def ask(rank: int) -> None:
        session.run_step(watched, "step", lambda: serve(rank), about=rank, rank=rank)

    def begin(action: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=action)
        thread.start()
        await_waiting(waited, 1)
        return thread

    threads = [begin(lambda: session.run_step(watched, "first", first, rank=9))]
    threads += [begin(lambda rank=rank: ask(rank)) for rank in (4, 2, 3, 1)]
    # What needs no turn is done meanwhile, and what was done is there.
    assert session.run_step(watched, "beside", lambda: "done") == "done"
    session.used(watched)
    held.set()
    for thread in threads:
        thread.join(SECONDS)
    assert served == [1, 2, 3, 4]


def test_a_step_within_a_step_is_part_of_its_turn(context: Context) -> None:
    session = find_session(context.run, PlainSession, "a")

    def outer() -> str:
        inner = session.run_step(context, "inner", lambda: "inner", rank=1)
        return inner + session.run_step(context, "beside", lambda: " beside")

    assert session.run_step(context, "outer", outer, rank=2) == "inner beside"


@pytest.mark.parametrize("rank", [None, 1], ids=["for the step", "for a turn"])
def test_whoever_waits_ends_when_the_run_is_cancelled(
    watched: Context, waited: CountingToken, rank: int | None
) -> None:
    session = find_session(watched.run, PlainSession, "a")
    session.used(watched)
    await_waiting(waited, 1)  # the turn in which it was opened
    began, held = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        assert held.wait(SECONDS)

    with ThreadPoolExecutor(MANY) as pool:
        holder = pool.submit(session.run_step, watched, "held", hold, rank=rank)
        assert began.wait(SECONDS)
        others = [
            pool.submit(session.run_step, watched, "held", hold, rank=rank) for _ in range(MANY - 1)
        ]
        await_waiting(waited, len(others) + (rank is not None))
        waited.cancel()
        for one in others:
            assert isinstance(one.exception(SECONDS), InterruptedRunError)
        assert not holder.done()
        held.set()


def test_sessions_are_closed_in_the_reverse_order_whatever_fails(context: Context) -> None:
    run = context.run
    find_session(run, PlainSession, "never used")
    find_session(run, PlainSession, "a needs b does not close").used(context)
    with pytest.raises(RuntimeError, match="does not open"):
        find_session(run, PlainSession, "c does not open").used(context)
    find_session(run, PlainSession, "d").used(context)
    find_session(run, PlainSession, "d").used(context)
    log: list[str] = run.shared.get("log", list)
    del log[:]
    run.shared.close()
    run.shared.close()
    assert log == [
        "close d",
        "close c does not open",
        "close a needs b does not close",
        "close b does not close",
    ]


def test_what_was_ended_early_is_closed_once(context: Context) -> None:
    session = find_session(context.run, PlainSession, "a")
    session.used(context)
    session.end()
    context.run.shared.close()
    assert session.log == ["open a", "use a", "close a"]


def test_class_and_key_make_a_session(run: Run) -> None:
    first = find_session(run, PlainSession, "a")
    assert find_session(run, PlainSession, "a") is first
    assert find_session(run, PlainSession, "b") is not first
    assert isinstance(find_session(run, ServedSession, "a"), ServedSession)


def test_the_longest_timeout_of_those_that_share_it_bounds_it(context: Context) -> None:
    asks = Asks(control="works", text="late")
    specs = (CheckSpec("a", "k", asks, 300), CheckSpec("b", "k", Kind(), 900))
    shared = replace(context, timeout=20, run=replace(context.run, checks=specs))
    assert find_session(shared.run, PlainSession, "a").find_timeout(shared) == 300
    assert find_session(shared.run, ServedSession, "works").find_timeout(shared) == 20


# The families' sessions, and a key of each.
SESSIONS: dict[type[Session[Any]], Any] = {
    EnvironmentSession: None,
    ImageSession: "Dockerfile",
    RehearsalSession: None,
    ServiceSession: ContainerKind(),
    SuiteSession: SuiteKey(("tests",), ("fault",), 60.0),
    TerraformSession: TerraformKey("infra", {"names": ["a"]}),
}
every_session = pytest.mark.parametrize("kind", SESSIONS, ids=lambda kind: kind.__name__)


def without_subclass(kind: type[Session[Any]]) -> Iterator[type[Session[Any]]]:
    below = kind.__subclasses__()
    for one in below:
        yield from without_subclass(one)
    if not below and kind.__module__.startswith("scaffolder."):
        yield kind


def test_every_session_is_held_to_the_contract() -> None:
    assert set(without_subclass(Session)) == set(SESSIONS)


@every_session
def test_every_session_has_its_key(run: Run, kind: type[Session[Any]]) -> None:
    session = find_session(run, kind, SESSIONS[kind])
    assert find_session(run, kind, SESSIONS[kind]) is session
    assert session.key == SESSIONS[kind]


def test_terraform_tells_values_and_whose_folder_it_is_apart(run: Run) -> None:
    keys = [
        TerraformKey(folder, {"n": value}, reference=reference)
        for folder in ("a", "b")
        for value in (1, "1", [1], True)
        for reference in (False, True)
    ]
    assert len({*keys, *map(replace, keys)}) == len(keys)


@every_session
def test_every_session_that_does_not_open_says_so_and_can_be_closed(
    context: Context, kind: type[Session[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    closed: list[int] = []
    close = kind.close

    def fail(*_: object) -> None:
        opened.append(1)
        raise OSError("no space left")

    def note(session: Session[Any]) -> None:
        close(session)
        closed.append(1)

    monkeypatch.setattr(kind, "open", fail)
    monkeypatch.setattr(kind, "close", note)
    session = find_session(context.run, kind, SESSIONS[kind])
    found = in_threads(MANY, lambda _: session.run_step(context, "step", int))
    assert {str(one) for one in found} == {"no space left"}
    context.run.shared.close()
    session.end()
    assert (opened, closed) == ([1], [1])


# A suite of tests has no server; whether the machine is to blame it finds out on its own.
@pytest.mark.parametrize(
    "kind", [one for one in SESSIONS if one is not SuiteSession], ids=lambda kind: kind.__name__
)
@pytest.mark.parametrize("here", [True, False], ids=["only the work", "the reference too"])
def test_a_dead_server_of_every_session_is_no_fail(
    context: Context, kind: type[Session[Any]], here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_control = kind.try_reference is not Session.try_reference
    trouble = None if here else UnavailableError("nor the lab's own answer")
    if has_control:
        monkeypatch.setattr(Run, "control", lambda *_: trouble)
    expected = (NotShownError if here else UnavailableError) if has_control else RuntimeError
    monkeypatch.setattr(kind, "open", lambda *_: None)
    session = find_session(context.run, kind, SESSIONS[kind])
    session.watch("the server", lambda: False)

    def fail() -> None:
        raise CheckFailedError("the work's fault, as it seems")

    with pytest.raises(expected, match="the server ended while the step ran") as caught:
        session.run_step(context, "the step", fail)
    assert type(caught.value) is expected
    session.end()


@every_session
def test_every_session_lets_a_fail_stand_where_its_servers_live(
    context: Context, kind: type[Session[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "open", lambda *_: None)
    session = find_session(context.run, kind, SESSIONS[kind])
    session.watch("the server", lambda: True)

    def fail() -> None:
        raise CheckFailedError("the work's fault")

    for _ in range(2):
        with pytest.raises(CheckFailedError, match="the work's fault"):
            session.run_step(context, "the step", fail)
    session.end()
