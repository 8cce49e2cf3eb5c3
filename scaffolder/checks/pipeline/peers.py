"""Who is at the other end of a local socket, by the kernel's word and not by its own."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
_ENVIRONMENT_LIMIT = 1024 * 1024
_VALUE_LIMIT = 4096
# Whether this system names whoever connects: then whoever it does not name has gone already.
NAMED = hasattr(socket, "SO_PEERCRED") and Path("/proc/self/exe").exists()


@dataclass(frozen=True)
class Peer:
    """A process that connected: what it runs, and some of what its environment was at its start.

    `program` names its executable by device and inode, whatever it is called where it lives.
    """

    pid: int
    program: tuple[int, int]
    environment: Mapping[str, str]

    @property
    def executable(self) -> Path:
        """A path that opens the very executable for as long as the process lives."""
        return Path(f"/proc/{self.pid}/exe")

    @property
    def runs_our_python(self) -> bool:
        """Whether it runs the very Python that devlab does, as its own programs do."""
        status = Path(sys.executable).stat()
        return (status.st_dev, status.st_ino) == self.program


def identify_peer(connection: socket.socket, variables: Collection[str]) -> Peer | None:
    """Return who connected, with these variables of its environment.

    None where the system does not tell (see NAMED), or the process is gone.
    """
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
    return Peer(pid, (status.st_dev, status.st_ino), _parsed(environment, variables))


def _parsed(environment: bytes, variables: Collection[str]) -> dict[str, str]:
    pairs = (entry.partition(b"=") for entry in environment.split(b"\0"))
    return {
        os.fsdecode(name): os.fsdecode(value[:_VALUE_LIMIT])
        for name, equals, value in pairs
        if equals and os.fsdecode(name) in variables
    }
