"""A folder of values, each under the digest of what it follows from.

Time plays no part in it: a value is found as long as it follows from the same. One that was cut
short, altered, moved, or written by another version of devlab or another user is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from scaffolder.core import paths
from scaffolder.core.own_files import read_own_file

T = TypeVar("T")

_DAYS = 30
_SECONDS_A_DAY = 24 * 3600
# How many files a folder may have before the old ones are looked for.
_MANY = 2000


def find_verdicts_folder() -> Path:
    """Return the folder in which what this user's checks came to is kept."""
    return paths.find_cache_folder() / "verdicts"


class Kept:
    """The values in a folder; none of them is ever relied on without its own digest.

    One that goes `afresh` finds none, and keeps what is found anew.
    """

    def __init__(self, folder: Path, *, afresh: bool = False) -> None:
        self._folder = folder
        self._afresh = afresh
        self._told: dict[str, str] = {}

    @classmethod
    def of_this_user(cls, *, afresh: bool = False) -> Self:
        """Return what this user's checks keep."""
        return cls(find_verdicts_folder(), afresh=afresh)

    def recall(self, name: str, kind: type[T]) -> T | None:
        """Return the value of a kind that is kept under a name; None for none, or not whole."""
        if self._afresh:
            return None
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            digest, _, content = read_own_file(self._folder / name).partition(b"\n")
            if digest == _digest(name, content):
                value = msgspec.json.decode(content, type=kind, strict=True)
                self._told[name] = digest.decode()
                return value
        return None

    @property
    def told(self) -> Mapping[str, str]:
        """What was recalled so far: the digest of each value, by name."""
        return dict(self._told)

    def holds(self, told: Mapping[str, str]) -> bool:
        """Whether under each of these names the value with that digest is still kept."""
        try:
            return all(
                read_own_file(self._folder / name, len(digest)) == digest.encode()
                for name, digest in told.items()
            )
        except OSError:
            return False

    def keep(self, name: str, value: Any) -> None:
        """Keep a value instead of what was kept under its name; trouble is no matter."""
        content = msgspec.json.encode(value)
        draft = self._folder / f".{name}.{secrets.token_hex(4)}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600, exist_ok=False)
            draft.write_bytes(_digest(name, content) + b"\n" + content)
            draft.replace(self._folder / name)

    def forget(self, name: str) -> None:
        """Keep nothing under a name any more."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)

    def names(self) -> tuple[str, ...]:
        try:
            found = (path.name for path in self._folder.iterdir())
            return tuple(name for name in found if not name.startswith("."))
        except OSError:
            return ()

    def forget_old(self) -> None:
        """Remove what was kept more than a month ago, once there is much."""
        oldest = time.time() - _DAYS * _SECONDS_A_DAY
        with contextlib.suppress(OSError):
            entries = list(os.scandir(self._folder))
            for entry in entries if len(entries) > _MANY else ():
                if entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink(missing_ok=True)


def _digest(name: str, content: bytes) -> bytes:
    """Return what vouches for a value under a name: a file that was renamed is another one's."""
    return hashlib.sha256(name.encode() + b"\n" + content).hexdigest().encode()
