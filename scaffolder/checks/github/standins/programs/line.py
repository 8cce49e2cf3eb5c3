"""The line to whoever watches the rehearsal: one message a connection, answered.

What is reported here no step can take back or make up afterwards, as it could with a file.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

SECONDS = 120.0


class Line:
    """An open connection. What one side writes is a line of JSON, or bytes of a length told."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(address)
        self._file: IO[bytes] = self._socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Say something and return the answer."""
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Return the next line that is said; nothing where the line is dead."""
        answer: dict[str, Any] = json.loads(self._file.readline() or b"{}")
        return answer

    def send(self, files: Iterable[tuple[Path, int]]) -> None:
        """Send each file's first bytes, as many as were told before."""
        for path, size in files:
            left = size
            with path.open("rb") as file:
                while left > 0 and (piece := file.read(min(left, 1 << 20))):
                    self._socket.sendall(piece)
                    left -= len(piece)
            if left:
                # The file shrank meanwhile.
                self._socket.sendall(bytes(left))

    def receive(self, target: Path, size: int) -> None:
        """Write the next bytes to a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            left = size
            while left > 0 and (piece := self._file.read(min(left, 1 << 20))):
                file.write(piece)
                left -= len(piece)


def where() -> dict[str, str]:
    """Return the job and the step that this process belongs to, as the runner names them."""
    composite = bool(os.environ.get("GITHUB_ACTION_PATH"))
    return {
        "job": os.environ.get("GITHUB_JOB", ""),
        # Steps inside an action count from 0 again.
        "step": "" if composite else os.environ.get("GITHUB_ACTION", ""),
    }
