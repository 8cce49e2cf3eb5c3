"""Which Python a process runs: by its executable, never by what it or its environment says."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from scaffolder.checks.pipeline.peers import Peer

Version = tuple[int, int]
_LIMIT = 256 * 1024 * 1024


class Interpreters:
    """Knows the Pythons of this machine again, wherever they were copied to.

    They were asked for their versions before anything of the work ran. What a process of the work
    runs is only compared with them, byte by byte where it is another file, and never run itself.
    """

    def __init__(self, pythons: Iterable[tuple[int, Path]]) -> None:
        self._lock = threading.Lock()
        self._versions: dict[tuple[int, int], Version] = {}
        self._sizes: dict[int, list[tuple[Path, Version]]] = {}
        self._digests: dict[Path, str] = {}
        self._copies: dict[tuple[int, int, int, int], Version | None] = {}
        for minor, path in pythons:
            real = path.resolve()
            status = real.stat()
            self._versions[status.st_dev, status.st_ino] = (3, minor)
            self._sizes.setdefault(status.st_size, []).append((real, (3, minor)))

    def version_of(self, peer: Peer) -> Version | None:
        """Return the version of the Python that a process runs, None where it runs none of them."""
        known = self._versions.get(peer.program)
        if known is not None:
            return known
        try:
            with self._lock:
                return self._by_content(peer)
        except OSError:
            return None

    def _by_content(self, peer: Peer) -> Version | None:
        with peer.executable.open("rb") as file:
            status = os.fstat(file.fileno())
            alike = self._sizes.get(status.st_size, ())
            if (status.st_dev, status.st_ino) != peer.program or status.st_size > _LIMIT:
                return None
            # The time of the last change is the kernel's: another content has another key.
            key = (*peer.program, status.st_size, status.st_ctime_ns)
            if alike and key not in self._copies:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                self._copies[key] = next(
                    (version for path, version in alike if self._digest(path) == digest), None
                )
            return self._copies.get(key)

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            with path.open("rb") as file:
                self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[path]
