"""What the checks of one run share, and what each of them gets."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import DevlabError, InterruptedRunError, UnavailableError
from scaffolder.model import CheckParameters, CheckSpec, Fault
from scaffolder.model.history import OriginalHistory
from scaffolder.tools.command import Sandbox
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import RepositoryCopy, Skipped

T = TypeVar("T")


class Shared:
    """Things that several checks of one run need and that are made once: an image, a plan.

    Whoever asks first makes the thing, the others wait for it, at most until `cancel`; what its
    making raised is raised for everyone. `close` undoes them in the reverse order at the end of the
    run.
    """

    def __init__(self, cancel: CancelToken | None = None) -> None:
        self._cancel = cancel or CancelToken()
        self._lock = threading.Lock()
        self._made: dict[Hashable, Future[Any]] = {}
        self._closers: list[Callable[[], None]] = []

    def get(
        self, key: Hashable, make: Callable[[], T], close: Callable[[T], None] | None = None
    ) -> T:
        """Return the thing named `key`, making it with `make` if nobody did yet."""
        with self._lock:
            future = self._made.get(key)
            mine = future is None
            if future is None:
                future = self._made[key] = Future()
        if mine:
            try:
                thing = make()
            except BaseException as error:
                future.set_exception(error)
                raise
            if close is not None:
                self.close_later(lambda: close(thing))
            future.set_result(thing)
        elif not future.done():
            self._wait_for(future)
        return cast("T", future.result())

    def has(self, key: Hashable) -> bool:
        """Whether the thing named `key` is made, or its making failed."""
        future = self._made.get(key)
        return future is not None and future.done()

    def close_later(self, close: Callable[[], None]) -> None:
        """Have `close` called at the end of the run, before what is there already is undone."""
        with self._lock:
            self._closers.append(close)

    def _wait_for(self, future: Future[Any]) -> None:
        woken = threading.Event()
        future.add_done_callback(lambda _: woken.set())
        with self._cancel.on_cancel(woken.set):
            woken.wait()
        if not future.done():
            self._cancel.raise_if_cancelled()

    def close(self) -> None:
        """Undo everything, last made first; one that cannot be undone does not stop the others."""
        while self._closers:
            with contextlib.suppress(Exception):
                self._closers.pop()()


def _no_reference() -> Path:
    raise LookupError("this run knows no answer of its lab's own")


def _no_history() -> OriginalHistory:
    raise LookupError("this run's lab ships no repository")


@dataclass(frozen=True)
class Run:
    """Everything that the checks of one run share.

    `id` labels what is created outside (containers, images); `snapshot` is the copy of the
    learner's work: checks read it and never write to it; `scratch` is the run's temporary folder,
    deleted at the end; `lab_root` is the lab's folder, `lab_id` its name and `trusted` whether code
    in it may run; `start` renders the lab's start with the learner's variables, once, and
    `reference` the lab's own answer, where no command of the learner's sees it; `sandbox` is where
    commands that the learner controls run; `skipped` is what the copy left out; `slots` is held
    while something loads the processor, so that side by side stays quick; `notes`, an ordered set,
    is what the report should say besides the verdicts; `checks` are all that may run. Where one of
    them looks at the repository that the work lies in, `repository` is a copy of that; `history`
    builds the one that the lab's learners begin with, once.
    """

    id: str
    snapshot: Path
    scratch: Path
    lab_root: Path
    variables: Mapping[str, str]
    faults: Mapping[str, Fault]
    start: Callable[[], Path]
    sandbox: Sandbox = field(kw_only=True)
    reference: Callable[[], Path] = _no_reference
    repository: RepositoryCopy | None = None
    history: Callable[[], OriginalHistory] = _no_history
    lab_id: str = ""
    trusted: bool = False
    cancel: CancelToken = field(default_factory=CancelToken)
    shared: Shared = field(default_factory=Shared)
    skipped: tuple[Skipped, ...] = ()
    slots: AbstractContextManager[object] = field(default_factory=contextlib.nullcontext)
    notes: dict[str, None] = field(default_factory=dict)
    checks: tuple[CheckSpec, ...] = ()
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def control(self, key: Hashable, attempt: Callable[[], object]) -> UnavailableError | None:
        """Return the machine's trouble where the lab's own material fails here too, else None.

        `attempt` does with it what went wrong with the work; that is done once a run for each
        `key`. Where it works, the cause is the work, whatever any output says.
        """

        def look() -> UnavailableError | None:
            try:
                attempt()
            except InterruptedRunError:
                raise
            except (DevlabError, CheckFailedError) as error:
                if type(error) is UnavailableError:
                    return error
                said = error.verdict.message if isinstance(error, CheckFailedError) else error
                return UnavailableError(f"the lab's own answer fails here too: {said}")
            return None

        return self.shared.get(("control", key), look)

    def folder(self, name: str) -> Path:
        """Return a new empty folder in the scratch space; `name` is for people who look."""
        path = self.scratch / f"{next(self._numbers):03d}-{name}"
        path.mkdir()
        return path

    def copy(self, name: str) -> Path:
        """Return a new copy of the learner's work that may be changed."""
        path = self.folder(name) / "work"
        shutil.copytree(self.snapshot, path, symlinks=True)
        return path


@dataclass(frozen=True)
class Context:
    """What one check gets: the run it belongs to, and its own bounds.

    `timeout` bounds, in seconds, what the learner's work may take before that is a fail.
    `say` tells the person who waits what is going on now.
    """

    run: Run
    check_id: str
    timeout: float
    say: Callable[[str], None] = lambda _: None

    def shared_timeout(self, shares: Callable[[CheckParameters], bool]) -> float:
        """Return what bounds, in seconds, a thing that some of the run's checks share.

        `shares` tells which. It is the longest of their timeouts: who happens to ask first decides
        about nothing.
        """
        theirs = (spec.timeout for spec in self.run.checks if shares(spec.check))
        return max([self.timeout, *theirs])
