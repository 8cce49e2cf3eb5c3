"""Folders of anybody's making: walked and removed however deep, wide or locked they are.

Nothing here calls itself for a folder in a folder, so no depth is too much for it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

# No project lies deeper, and a path of so many names is still short enough for every system call.
DEPTH_LIMIT = 100
# Of a path below the folder, in bytes: a copy must have room for it behind a path of its own.
PATH_LIMIT = 1000
# More names than these are not even put in order.
WIDTH_LIMIT = 100_000


class UnboundedError(Exception):
    """Folders lie too deep in each other, a path is too long, or a folder holds too much.

    `what` says which of them it is.
    """

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what


def walk_folder(root: Path, ignored: Collection[str] = ()) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, parents before children, in a stable order; no link is followed.

    Entries with one of the names `ignored`, in whatever case, are left out with all that is in
    them. Raises UnboundedError beyond one of the limits above, and OSError for a folder that cannot
    be read.
    """
    above = len(os.fsencode(root)) + 1
    open_folders = [iter(_entries(root))]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif entry.name.casefold() not in ignored:
            if len(os.fsencode(entry.path)) - above > PATH_LIMIT:
                what = f"a path is longer than {PATH_LIMIT:,} characters"
                raise UnboundedError(entry.path, what)
            yield entry
            if entry.is_dir(follow_symlinks=False):
                if len(open_folders) >= DEPTH_LIMIT:
                    what = f"more than {DEPTH_LIMIT} folders lie in each other"
                    raise UnboundedError(entry.path, what)
                open_folders.append(iter(_entries(entry.path)))


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        found = list(itertools.islice(entries, WIDTH_LIMIT + 1))
    if len(found) > WIDTH_LIMIT:
        raise UnboundedError(str(folder), f"a folder holds more than {WIDTH_LIMIT:,} entries")
    ordered = sorted(found, key=lambda entry: entry.name)
    # Who may list a folder may not yet look at what is in it.
    if ordered and not os.access(folder, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    return ordered


def remove_tree(folder: Path) -> None:
    """Remove a folder as far as that is possible, also what was made read-only or too deep to name.

    Each folder in it is moved to the top before it is emptied: no path gets longer than two names.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    names = (folder / f".gone-{secrets.token_hex(4)}-{number}" for number in itertools.count())
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        for entry in _openly(place):
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                    continue
                _allow(Path(entry.path))
                top = Path(entry.path) if place == folder else next(names)
                if place != folder:
                    Path(entry.path).rename(top)
                waiting.append(top)
        if place != folder:
            with contextlib.suppress(OSError):
                place.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _openly(folder: Path) -> list[os.DirEntry[str]]:
    _allow(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _allow(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.chmod(folder.lstat().st_mode | stat.S_IRWXU)
