"""Something costly that several checks of one run share: a built image, an applied plan, a server.

A session is opened when its first step is asked for, goes through steps, each at most once, and is
closed at the end of the run. Steps with a rank need the session for themselves and take turns: who
waits with the lowest rank goes first, so that what destroys comes last. A step that fails while a
server of the session's is dead or silent is no verdict on the work: `Session.blame` tells whose
trouble that is.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager
from typing import ClassVar, Generic, TypeVar

from scaffolder.checks.context import Context, Run, Shared
from scaffolder.core.errors import InterruptedRunError, NotShownError, UnavailableError
from scaffolder.model import CheckParameters
from scaffolder.tools.processes import CancelToken

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")
T = TypeVar("T")

# Seconds in which a dying server is dead: when those who talk to it notice, it is not quite.
_DYING = 0.2


class Session(Generic[K]):
    """Base of what several checks of one run share; `key` says what makes two of them the same.

    A subclass has public methods that call `run_step`. It may override `open` and `close`,
    `is_shared_by` (whose timeouts bound it), `is_good` and `try_reference` (whose fault trouble
    is); `opening` says in words what `open` does, for messages.
    """

    opening: ClassVar[str] = "the start"
    hint: ClassVar[str] = "the lab's own answer does not lead there: take out what it does without"

    def __init__(self, run: Run, key: K) -> None:
        self.run = run
        self.key = key
        self._steps = Shared(run.cancel)
        self._turns = Turns(run.cancel)
        self._servers: list[tuple[str, Callable[[], bool]]] = []
        self._is_closed = False

    def open(self, context: Context) -> None:
        """Start what the steps need; called before the first of them, in its turn."""

    def close(self) -> None:
        """Undo what `open` and the steps did; called once, also where `open` failed halfway."""

    def is_shared_by(self, kind: CheckParameters) -> bool:  # noqa: ARG002
        """Whether checks of a kind use this session."""
        return False

    def is_good(self, result: object) -> bool:  # noqa: ARG002
        """Whether a step's result is one that a dead server cannot be the cause of."""
        return True

    def try_reference(self, context: Context) -> None:
        """Do with the lab's own answer what the work's steps do; raise as they do.

        A session without this control leaves it out: its servers' trouble is the grader's `error`.
        """
        raise NotImplementedError

    @property
    def control_key(self) -> Hashable:
        """What two sessions have in common that need `try_reference` once only."""
        return self.key

    def end(self) -> None:
        """Close the session if nobody did yet; the end of the run does."""
        if not self._is_closed:
            self._is_closed = True
            self.close()

    def find_timeout(self, context: Context) -> float:
        """Return the longest timeout, in seconds, of the run's checks that share the session.

        So who happens to ask first decides about nothing.
        """
        return context.shared_timeout(self.is_shared_by)

    def watch(self, name: str, lives: Callable[[], bool]) -> None:
        """Ask `lives` whenever a step fails: whether a server, `name` in words, still answers."""
        self._servers.append((name, lives))

    def run_step(
        self,
        context: Context,
        name: str,
        make: Callable[[], T],
        *,
        about: Hashable = None,
        rank: int | None = None,
    ) -> T:
        """Return what `make` returns, called once for each `name` and `about`.

        What it raised is raised for everyone. With a `rank` of 0 or more it has the session for
        itself, and other steps in it are part of its turn; without, it runs beside whoever has the
        turn, and must ask for no turn itself. Raises InterruptedRunError when the run is cancelled,
        and what `blame` returns where a server is to blame for a failure.
        """
        key = (name, about)
        with self._take_turn(key, rank):
            self._open_once(context)
            return self._steps.get(key, lambda: self._attempt(context, name, make))

    def require_alive(self, context: Context, name: str) -> None:
        """Raise what `blame` returns where a server is dead or silent after `name` ran badly."""
        if self._servers:
            self.run.cancel.wait(_DYING)
        for server, lives in self._servers:
            if not _answers(lives):
                self.run.cancel.raise_if_cancelled()
                raise self.blame(context, f"{server} ended while {name} ran")

    def find_machine_trouble(self, context: Context) -> UnavailableError | None:
        """Return what keeps the lab's own answer from the same here, None where it works.

        Raises NotImplementedError where the session has no such control.
        """
        key = (type(self), self.control_key)
        return self.run.control(key, lambda: self.try_reference(context))

    def blame(self, context: Context, what: str) -> Exception:
        """Return the error for trouble that is no verdict, `what` in words.

        It is the machine's where the lab's own answer has it too; else the work led there.
        """
        try:
            trouble = self.find_machine_trouble(context)
        except NotImplementedError:
            return RuntimeError(what)
        if trouble:
            return UnavailableError(f"{what}; {trouble.message}", trouble.hint)
        return NotShownError(what, hint=self.hint)

    def _open_once(self, context: Context) -> None:
        def open_and_register() -> None:
            try:
                self.open(context)
            finally:
                # What this one needs was opened by now, and is closed after it.
                self.run.shared.close_later(self.end)

        key = Session.open
        with self._take_turn(key, 0):
            self._steps.get(key, lambda: self._attempt(context, self.opening, open_and_register))

    def _take_turn(self, key: Hashable, rank: int | None) -> AbstractContextManager[None]:
        if rank is None or self._steps.has(key):
            return contextlib.nullcontext()
        return self._turns.take(rank)

    def _attempt(self, context: Context, name: str, make: Callable[[], T]) -> T:
        try:
            result = make()
        except (InterruptedRunError, UnavailableError):
            raise
        except Exception:
            self.require_alive(context, name)
            raise
        if not self.is_good(result):
            self.require_alive(context, name)
        return result


def _answers(lives: Callable[[], bool]) -> bool:
    try:
        return lives()
    except Exception:  # noqa: BLE001 -- whatever keeps a server from answering
        return False


def find_session(run: Run, kind: Callable[[Run, K], S], key: K) -> S:
    """Return the run's session of a class, `kind`, with a key; it is made if there is none yet."""
    return run.shared.get((kind, key), lambda: kind(run, key))


class Turns:
    """A lock whose next owner is the thread with the lowest rank, then the one that came first."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._numbers = itertools.count()
        self._owner: int | None = None

    @contextlib.contextmanager
    def take(self, rank: int) -> Iterator[None]:
        """Wait for one's turn and hold it; a thread that has it goes on at once.

        Raises InterruptedRunError when the run is over before.
        """
        if self._owner == threading.get_ident():
            yield
            return
        with self._changed, self._cancel.on_cancel(self._wake):
            ticket = (rank, next(self._numbers))
            self._waiting.append(ticket)
            try:
                while self._owner is not None or min(self._waiting) != ticket:
                    self._changed.wait()
                    self._cancel.raise_if_cancelled()
                self._owner = threading.get_ident()
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._owner = None
                self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
