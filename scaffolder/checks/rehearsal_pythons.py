"""Which Python a process runs: by its executable, never by what it or its environment says."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path

from scaffolder.tools import wheelhouse
from scaffolder.tools.peers import Peer
from scaffolder.tools.processes import CancelToken

Version = tuple[int, int]
_LIMIT = 256 * 1024 * 1024


class Interpreters:
    """Knows the Pythons of this machine again, wherever they were copied to.

    What lies in `scratch` is the work's to write, so it is never run; it is known where it is, byte
    by byte, one that is.
    """

    def __init__(self, pythons: Mapping[int, Path], scratch: Path, cancel: CancelToken) -> None:
        self._scratch = scratch.resolve()
        self._cancel = cancel
        self._lock = threading.Lock()
        self._versions: dict[tuple[int, int], Version | None] = {}
        self._pythons = {minor: path.resolve() for minor, path in pythons.items()}
        for minor, path in self._pythons.items():
            status = path.stat()
            self._versions[status.st_dev, status.st_ino] = (3, minor)

    def version_of(self, peer: Peer) -> Version | None:
        """Return the version of the Python that a process runs, None where it runs none."""
        with self._lock:
            if peer.program not in self._versions:
                self._versions[peer.program] = self._looked_up(peer)
            return self._versions[peer.program]

    def _looked_up(self, peer: Peer) -> Version | None:
        try:
            named = peer.executable.readlink()
            status = named.stat()
        except OSError:
            return self._by_content(peer)
        same = (status.st_dev, status.st_ino) == peer.program
        if not same or named.resolve().is_relative_to(self._scratch):
            return self._by_content(peer)
        found = wheelhouse.ask(named, self._cancel)
        return (3, found[0]) if found else None

    def _by_content(self, peer: Peer) -> Version | None:
        try:
            size = peer.executable.stat().st_size
            alike = {
                minor: path
                for minor, path in self._pythons.items()
                if path.stat().st_size == size <= _LIMIT
            }
            digest = _digest(peer.executable) if alike else ""
            return next(
                ((3, minor) for minor, path in alike.items() if _digest(path) == digest), None
            )
        except OSError:
            return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
