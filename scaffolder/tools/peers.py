"""Who is at the other end of a local socket, by the kernel's word and not by its own."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
_ENVIRONMENT_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Peer:
    """A process that connected: what it runs, and the environment that it was started with.

    `program` names its executable by device and inode, whatever it is called where it lives.
    """

    pid: int
    program: tuple[int, int]
    environment: Mapping[str, str]

    @property
    def executable(self) -> Path:
        """A path that opens the very executable for as long as the process lives."""
        return Path(f"/proc/{self.pid}/exe")


def peer_of(connection: socket.socket) -> Peer | None:
    """Return who connected, None where the system does not tell or the process is gone."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    told = connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    pid, _, _ = _CREDENTIALS.unpack(told)
    try:
        status = Path(f"/proc/{pid}/exe").stat()
        with Path(f"/proc/{pid}/environ").open("rb") as file:
            environment = file.read(_ENVIRONMENT_LIMIT)
    except OSError:
        return None
    return Peer(pid, (status.st_dev, status.st_ino), _parsed(environment))


def _parsed(environment: bytes) -> dict[str, str]:
    pairs = (
        os.fsdecode(entry).partition("=") for entry in environment.split(b"\0") if b"=" in entry
    )
    return {name: value for name, _, value in pairs}
