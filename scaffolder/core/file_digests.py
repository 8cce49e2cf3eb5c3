"""Digests of files' contents, remembered as long as the system says that a file is the same.

To read a program of hundreds of megabytes takes seconds, and a verdict asks for its digest each
time. A file counts as the same while its inode, its size and its times are: the time of the last
change of an inode is the system's, and nobody's to set.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import threading
from pathlib import Path

import msgspec

from scaffolder.core import paths
from scaffolder.core.own_files import read_own_file

# How many files are remembered before those that are gone are forgotten.
_MANY = 5000
_BLOCK = 1024 * 1024

_Remembered = tuple[int, int, int, int, str]


class FileDigests:
    """The SHA-256 of files, remembered in the file `memory`; trouble with it costs only time."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._changed = False
        self._known: dict[str, _Remembered] = {}
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            self._known = msgspec.json.decode(
                read_own_file(memory), type=dict[str, _Remembered], strict=True
            )

    def digest_file(self, path: str, status: os.stat_result | None = None) -> str:
        """Return the SHA-256 of a file's content, in hexadecimal; `status` is what stat says of it.

        Raises OSError where it cannot be read.
        """
        told = status or os.stat(path)  # noqa: PTH116 -- of what a link leads to
        same = (told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        known = self._known.get(path)
        if known is not None and known[:4] == same:
            return known[4]
        digest = _read_digest(path)
        with self._lock:
            self._known[path] = (*same, digest)
            self._changed = True
        return digest

    def save(self) -> None:
        """Write down what was found out since the last time."""
        with self._lock:
            if not self._changed:
                return
            if len(self._known) > _MANY:
                self._known = {path: one for path, one in self._known.items() if _is_there(path)}
            content = msgspec.json.encode(self._known)
            self._changed = False
        draft = self._memory.with_name(f".{self._memory.name}.{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600, exist_ok=False)
            draft.write_bytes(content)
            draft.replace(self._memory)


def open_file_digests() -> FileDigests:
    """Return the digests that this user's runs share."""
    return _open(paths.find_cache_folder() / "digests.json")


@functools.cache
def _open(memory: Path) -> FileDigests:
    return FileDigests(memory)


def _read_digest(path: str) -> str:
    whole = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            whole.update(block)
    return whole.hexdigest()


def _is_there(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110 -- thousands of them
