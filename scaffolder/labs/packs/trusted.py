"""What the files of a pack were when it was trusted last, so that an update can tell what changed.

It is kept beside the registry and decides about nothing: whether a pack is trusted, the registry
says. Where it is missing or broken, nothing is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from scaffolder.labs.packs import code, content, registry


class FileChange(msgspec.Struct, frozen=True):
    """A file that differs from what was trusted: `sign` is + for new, - for gone, ~ for changed.

    `is_code` says that it is run, now or then.
    """

    sign: str
    path: str
    is_code: bool


class _Snapshot(msgspec.Struct, frozen=True):
    files: Mapping[str, str]
    code: tuple[str, ...]


def keep_files(name: str, root: Path) -> None:
    """Keep what the files of a pack are now that it is trusted; only within `registry.lock_registry`."""
    snapshot = _Snapshot(content.digest_files(root), tuple(one.path for one in code.find(root)))
    path = _file(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.encode(snapshot))


def find_changes(name: str, root: Path) -> tuple[FileChange, ...] | None:
    """Return what differs in `root` from what was trusted, code first; None where nothing was."""
    known = None
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        known = msgspec.json.decode(_file(name).read_bytes(), type=_Snapshot)
    if known is None:
        return None
    now = content.digest_files(root)
    runs = {*known.code, *(one.path for one in code.find(root))}
    found = [
        FileChange(_sign(path, known.files, now), path, path in runs)
        for path in {*known.files, *now}
        if known.files.get(path) != now.get(path)
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_code, one.path)))


def forget_files(name: str) -> None:
    """Forget what was trusted of a pack that is taken away; only within `registry.lock_registry`."""
    with contextlib.suppress(OSError):
        _file(name).unlink(missing_ok=True)


def _sign(path: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    return "+" if path not in before else "-" if path not in now else "~"


def _file(name: str) -> Path:
    # No copy of a pack lies in a folder with such a name, and nothing tidies it away.
    return registry.find_home() / ".trusted" / f"{name}.json"
