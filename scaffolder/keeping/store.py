"""A folder of values, each under the digest of what it follows from.

Time plays no part in it: a value is found as long as it follows from the same. One that was cut
short, altered, or written by another version of devlab is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from scaffolder import places

T = TypeVar("T")

_DAYS = 30
_SECONDS_A_DAY = 24 * 3600
# How many files a folder may have before the old ones are looked for.
_MANY = 2000


def default_folder() -> Path:
    """Return the folder in which what this user's checks came to is kept."""
    return places.cache() / "verdicts"


class Kept:
    """The values in a folder; none of them is ever relied on without its own digest.

    One that goes `afresh` finds none, and keeps what is found anew.
    """

    def __init__(self, folder: Path, *, afresh: bool = False) -> None:
        self._folder = folder
        self._afresh = afresh

    @classmethod
    def of_this_user(cls, *, afresh: bool = False) -> Self:
        """Return what this user's checks keep."""
        return cls(default_folder(), afresh=afresh)

    def recall(self, name: str, kind: type[T]) -> T | None:
        """Return the value of a kind that is kept under a name; None for none, or not whole."""
        if self._afresh:
            return None
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            digest, _, content = (self._folder / name).read_bytes().partition(b"\n")
            if digest == _digest(content):
                return msgspec.json.decode(content, type=kind, strict=True)
        return None

    def keep(self, name: str, value: Any) -> None:
        """Keep a value instead of what was kept under its name; trouble is no matter."""
        content = msgspec.json.encode(value)
        draft = self._folder / f".{name}.{secrets.token_hex(4)}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(_digest(content) + b"\n" + content)
            draft.replace(self._folder / name)

    def forget(self, name: str) -> None:
        """Keep nothing under a name any more."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)

    def forget_old(self) -> None:
        """Remove what was kept more than a month ago, once there is much."""
        oldest = time.time() - _DAYS * _SECONDS_A_DAY
        with contextlib.suppress(OSError):
            entries = list(os.scandir(self._folder))
            for entry in entries if len(entries) > _MANY else ():
                if entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
