"""Slots that the processes of one user share: so many things load the processors at a time.

A slot is a file, and whoever holds it a lock on it: the kernel lets go of that when a process dies,
however it dies. One more file is the queue's: of those that wait, the one that holds it is next,
so that nobody who comes later can go on taking the slots before it.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
from pathlib import Path
from types import TracebackType

from scaffolder.tools.processes import CancelToken

_QUEUE = "queue"
_OPEN = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
# Seconds between two looks of one who waits. They differ, so that those who wait take turns.
_PAUSES = (0.005, 0.025)


class Slots:
    """`count` slots, as files of `folder`: `with slots:` waits for one and holds it.

    Threads share an object, in which each holds one slot at a time; processes share the folder. Who
    waits raises InterruptedRunError when `cancel` is called. A folder that is deleted is made
    again; one that cannot be made or written bounds nothing, for a check must not fail for that.
    """

    def __init__(self, folder: Path, count: int, cancel: CancelToken) -> None:
        self._folder = folder
        self._count = count
        self._cancel = cancel
        self._own = threading.local()

    def __enter__(self) -> None:
        try:
            self._own.slot = self._await_slot()
        except OSError:
            self._own.slot = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._own.slot is not None:
            _unlock(self._own.slot)

    def _await_slot(self) -> int:
        queue = self._await_any([_QUEUE])
        try:
            return self._await_any([str(number) for number in range(self._count)])
        finally:
            _unlock(queue)

    def _await_any(self, names: list[str]) -> int:
        """Wait until one of the files can be locked; return it open."""
        while True:
            self._cancel.raise_if_cancelled()
            for name in names:
                locked = self._try_lock(name)
                if locked is not None:
                    return locked
            self._cancel.wait(random.uniform(*_PAUSES))  # noqa: S311 -- no secret

    def _try_lock(self, name: str) -> int | None:
        try:
            file = os.open(self._folder / name, _OPEN, 0o600)
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(self._folder / name, _OPEN, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return file


def _unlock(file: int) -> None:
    # A process that was forked meanwhile has the file open, too: closing it would not be enough.
    fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)
