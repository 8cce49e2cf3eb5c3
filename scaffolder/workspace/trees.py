"""The files of a folder as values: what each holds, and whether it may be run or is a link.

A path is relative, with slashes, and names a file: folders are there where files are in them. No
link is ever followed, so nothing outside the folder is read or written.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath

import msgspec

from scaffolder.core.errors import UnusableFileError
from scaffolder.workspace import COUNT_LIMIT, FILE_LIMIT, IGNORED, TOTAL_LIMIT, walk_work

_PERMISSIONS = 0o777
# The record of a start holds all of its files, in base64.
OWN_LIMIT = 2 * TOTAL_LIMIT


class EntryKind(StrEnum):
    """What can stand at a path."""

    FILE = "file"
    PROGRAM = "program"
    LINK = "link"


GIT_MODES: Mapping[EntryKind, str] = {
    EntryKind.FILE: "100644",
    EntryKind.PROGRAM: "100755",
    EntryKind.LINK: "120000",
}


class Entry(msgspec.Struct, frozen=True):
    """One file, with its content; of a link, where it leads."""

    content: bytes
    kind: EntryKind = EntryKind.FILE

    @property
    def binary(self) -> bool:
        """Whether it has no lines that could be compared: git asks for the same."""
        return self.kind is EntryKind.LINK or b"\0" in self.content[:8000]


Tree = Mapping[str, Entry]


def is_plain(path: str) -> bool:
    """Whether `path` may be a file of somebody's work: inside, and no part of version control.

    Paths that were written down somewhere are asked this before they are used.
    """
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and str(PurePosixPath(path)) == path
        and not path.startswith("/")
        and ".." not in parts
        and "\0" not in path
        and not any(part.casefold() in IGNORED for part in parts)
        and _is_text(path)
    )


def could_stand(tree: Tree) -> bool:
    """Whether a folder could hold just these files: each is plain, and none is in another."""
    above = {str(one) for path in tree for one in PurePosixPath(path).parents}
    return (
        all(is_plain(path) for path in tree)
        and not above & set(tree)
        and all(
            entry.content and b"\0" not in entry.content
            for entry in tree.values()
            if entry.kind is EntryKind.LINK
        )
    )


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_entry(root: Path, path: str) -> Entry | None:
    """Return what stands at `path` below `root`; None for nothing, or a folder.

    Where a folder on the way is a link, nothing stands there. Raises UnusableFileError for what
    cannot be held: a pipe, a file larger than FILE_LIMIT (for devlab's own, OWN_LIMIT) or one that
    may not be read.
    """
    target = root / path
    if find_obstacle(root, path) is not None:
        return None
    try:
        status = os.lstat(target)
        if stat.S_ISLNK(status.st_mode):
            return Entry(os.fsencode(target.readlink()), EntryKind.LINK)
        if stat.S_ISDIR(status.st_mode):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFileError("is neither a file nor a folder", path)
        limit = FILE_LIMIT if is_plain(path) else OWN_LIMIT
        if status.st_size > limit:
            raise UnusableFileError(f"is larger than {limit // 2**20} MB", path)
        kind = EntryKind.PROGRAM if status.st_mode & stat.S_IXUSR else EntryKind.FILE
        return Entry(target.read_bytes(), kind)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnusableFileError(f"cannot be read: {error.strerror}", path) from error


def find_obstacle(root: Path, path: str) -> str | None:
    """Return the part of `path` that should be a folder and is a file or a link, if one is."""
    parts = PurePosixPath(path).parts
    for end in range(1, len(parts)):
        above = root.joinpath(*parts[:end])
        if os.path.lexists(above) and (above.is_symlink() or not above.is_dir()):
            return "/".join(parts[:end])
    return None


def list_paths(root: Path) -> tuple[str, ...]:
    """Return the paths of everything in `root` but folders, without caches and version control.

    Names that are no UTF-8 are left out: no lab has such a file.
    """
    found = (
        Path(entry.path).relative_to(root).as_posix()
        for entry in walk_work(root)
        if entry.is_symlink() or not entry.is_dir(follow_symlinks=False)
    )
    return tuple(path for path in found if is_plain(path))


def read_tree(root: Path, wanted: Iterable[str] | None = None) -> dict[str, Entry]:
    """Return the files at the paths `wanted`, by default all; raises as `read_entry`.

    Raises UnusableFileError for more than COUNT_LIMIT files or TOTAL_LIMIT bytes, too.
    """
    found: dict[str, Entry] = {}
    total = 0
    for path in sorted(list_paths(root) if wanted is None else set(wanted)):
        entry = read_entry(root, path)
        if entry is not None:
            found[path] = entry
            total += len(entry.content)
        if len(found) > COUNT_LIMIT or total > TOTAL_LIMIT:
            raise UnusableFileError(
                f"and what is beside it are more than {COUNT_LIMIT:,} files or "
                f"{TOTAL_LIMIT // 2**20} MB",
                path,
            )
    return found


def write_entry(root: Path, path: str, entry: Entry, draft: Path) -> None:
    """Put `entry` at `path` below `root`: whole or not at all, also for whoever kills us.

    It is written as `draft`, on the same disk, and moved. Permissions that a file had are kept but
    for who may run it. Folders are made. Raises NotADirectoryError where a link or a file is on
    the way, and OSError as the system says it.
    """
    target = root / path
    above = find_obstacle(root, path)
    if above is not None:
        # Whoever looked before may have been told of another state: nothing is written elsewhere.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(root / above))
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_away(draft)
    if entry.kind is EntryKind.LINK:
        draft.symlink_to(os.fsdecode(entry.content))
    else:
        with draft.open("xb") as file:
            file.write(entry.content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(_permissions(target, draft, entry))
    draft.replace(target)


def clear_away(draft: Path) -> None:
    """Take away what stands at a place of devlab's own, whatever it is; no link is followed."""
    if draft.is_dir() and not draft.is_symlink():
        shutil.rmtree(draft)
    else:
        draft.unlink(missing_ok=True)


def _permissions(target: Path, draft: Path, entry: Entry) -> int:
    """Return those of the file that is replaced, or else of a new one, run or not as it should."""
    old = target if target.is_file() and not target.is_symlink() else draft
    mode = stat.S_IMODE(old.stat().st_mode) & _PERMISSIONS
    readable = (mode & 0o444) >> 2
    return mode | readable if entry.kind is EntryKind.PROGRAM else mode & ~0o111


def make_git_files(tree: Tree) -> dict[str, tuple[str, bytes]]:
    """Return the files of a tree as `tools.git` takes them: git's mode and the content."""
    return {path: (GIT_MODES[entry.kind], entry.content) for path, entry in tree.items()}
