"""Listen to what copies of the work say: over a socket, bounded in all that may be said.

What a copy runs can write to any folder that it can see, so nothing that lies in one is evidence.
Who says more than there is to say is stopped being listened to, and the check says so.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from scaffolder.core.run_folders import SocketFolder

MESSAGES = 5000
LINES_AT_ONCE = 64
# Of all that is said about what comes: what is kept of it stays in memory.
HEADERS = 16 * 1024 * 1024
SECONDS = 60.0
ENDING_SECONDS = 20.0


class Listener:
    """Listens while the `with` block lasts, at `address`, which lies in or beside `folder`.

    A subclass says with `answer` how one conversation goes; several go on at the same time.
    `too_much` tells of what there was more than may be.
    """

    def __init__(self, folder: Path) -> None:
        self._sockets = SocketFolder(folder, len("/line"))
        self.folder = self._sockets.path
        self.address = self.folder / "line"
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(LINES_AT_ONCE)
        self._messages = 0
        self._headers = 0
        self._open = True
        self.too_much = ""

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.address))
        self._listener.listen(LINES_AT_ONCE)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        # Whoever is still being listened to is heard to the end.
        end = time.monotonic() + ENDING_SECONDS
        for _ in range(LINES_AT_ONCE):
            self._slots.acquire(timeout=max(0.0, end - time.monotonic()))
        self._sockets.remove()

    def answer(self, connection: socket.socket) -> None:
        """Have one conversation, in a thread of its own; what it raises ends that one alone."""
        raise NotImplementedError

    def _accept(self) -> None:
        while self._open:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._messages += 1
            if self._messages > MESSAGES:
                self.too_much = f"more than {MESSAGES:,} messages"
                connection.close()
                continue
            self._slots.acquire()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(SECONDS)
                self.answer(connection)
        except Exception:  # noqa: BLE001 -- it says what it likes, and is heard no further
            return
        finally:
            self._slots.release()

    def take(self, size: int) -> bool:
        """Take so much of what all messages may have; False where there is no more."""
        with self._lock:
            self._headers += size
            if self._headers > HEADERS:
                self.too_much = f"more than {HEADERS // 2**20} MB of messages"
            return self._headers <= HEADERS
