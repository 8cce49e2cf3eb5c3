"""Carry bytes between a port on loopback and a socket in the file system.

The local cloud listens on a socket in a folder, and no network leads to it. Whoever needs an
address to ask it (the grader, a provider in a sandbox with a loopback of its own) has a relay on a
port of loopback there. As a program, `relay.py PORT SOCKET COMMAND...` has one for as long as the
command runs; it needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

_PIECE = 65536
PROGRAM = Path(__file__).resolve()


class Relay:
    """A port of loopback from which everything goes to a socket, until `close`; 0 is a free one."""

    def __init__(self, target: str, port: int = 0) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Carry on in a thread of its own."""
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def close(self) -> None:
        """Take nothing more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(caller,), daemon=True).start()

    def _connect(self, caller: socket.socket) -> None:
        with caller, socket.socket(socket.AF_UNIX) as called, contextlib.suppress(OSError):
            called.connect(self._target)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_carry, args=(called, caller), daemon=True)
            back.start()
            _carry(caller, called)
            back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry what one says to the other until it has no more to say."""
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    """Run a command beside a relay and end as it does."""
    port, target, *command = sys.argv[1:]
    relay = Relay(target, int(port))
    child = os.fork()
    if child == 0:
        os.execv(command[0], command)  # noqa: S606
    relay.serve()
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()
