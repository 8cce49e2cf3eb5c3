"""Let threads take turns at one thing, the most urgent first."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
from collections.abc import Iterator

from scaffolder.tools.processes import CancelToken


class Turns:
    """A lock whose next owner is the one with the lowest rank, then the one who came first."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._numbers = itertools.count()
        self._busy = False

    @contextlib.contextmanager
    def take(self, rank: int) -> Iterator[None]:
        """Wait for one's turn and hold it; raises InterruptedRunError when the run is over."""
        with self._changed:
            ticket = (rank, next(self._numbers))
            heapq.heappush(self._waiting, ticket)
            try:
                while self._busy or self._waiting[0] != ticket:
                    self._cancel.raise_if_cancelled()
                    self._changed.wait(0.2)
            finally:
                self._waiting.remove(ticket)
                heapq.heapify(self._waiting)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
