"""The files of a pack: what may be in one, its copy, and the digest that pins it."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.labs.packs.description import PARTS
from scaffolder.workspace import COUNT_LIMIT, FILE_LIMIT, IGNORED, TOTAL_LIMIT, read_bytes

_MEGABYTE = 2**20
# Parts of a path, those above the pack included.
_DEPTH_LIMIT = 100


def copy(source: Path, target: Path) -> None:
    """Copy what of `source` is a pack into the new folder `target`.

    Version control and caches stay behind. Raises DevlabError, naming the path, for what no pack
    may hold: links, pipes and devices, names that cannot be shown or that differ in case only, and
    more or larger files than a workspace may have.
    """
    target.mkdir(parents=True)
    for relative in _files(source, PARTS):
        destination = target / relative
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(read_bytes(source, relative, FILE_LIMIT))
        destination.chmod(0o755 if _is_executable(source / relative) else 0o644)


def _files(root: Path, parts: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the paths of the files in `root`, sorted; raises as `copy`, and reads none of them.

    With `parts`, only those of the folder's entries count, and no caches in them.
    """
    found: list[str] = []
    spellings: dict[str, str] = {}
    total = 0
    for entry in _walk(root, parts):
        relative = str(Path(entry.path).relative_to(root))
        _require_plain(entry, relative)
        alike = spellings.setdefault(_spelling(relative), relative)
        if alike != relative:
            raise DevlabError(f"the pack holds {alike!r} and {relative!r}, one file on some disks")
        if entry.is_file(follow_symlinks=False):
            found.append(relative)
            total += entry.stat(follow_symlinks=False).st_size
        if len(spellings) > COUNT_LIMIT or total > TOTAL_LIMIT:
            raise DevlabError(
                f"the pack is larger than {COUNT_LIMIT:,} files or {TOTAL_LIMIT // _MEGABYTE} MB",
                hint=f"something large got in; near {relative!r}",
            )
    return tuple(sorted(found))


def digest(root: Path) -> str:
    """Return the SHA-256 over paths, executable bits and contents of all files in `root`.

    Nothing is left out: a cache that somebody put beside a file can hold code. Raises as `copy`.
    """
    whole = hashlib.sha256()
    for relative, inside in digest_files(root).items():
        whole.update(f"{relative}\0{inside}\n".encode())
    return whole.hexdigest()


def digest_files(root: Path) -> dict[str, str]:
    """Return, for each file in `root`, whether it may be run and the SHA-256 of its content."""
    found = {}
    for relative in _files(root):
        inside = hashlib.sha256(read_bytes(root, relative, FILE_LIMIT)).hexdigest()
        mode = "x" if _is_executable(root / relative) else "-"
        found[relative] = f"{mode}\0{inside}"
    return found


def _walk(root: Path, parts: tuple[str, ...]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(root) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if not parts or entry.name in parts:
            yield from _descend(entry, IGNORED if parts else frozenset())


def _descend(entry: os.DirEntry[str], ignored: frozenset[str]) -> Iterator[os.DirEntry[str]]:
    # Some disks take `.GIT` for the same.
    if entry.name.casefold() in ignored:
        return
    if len(Path(entry.path).parts) > _DEPTH_LIMIT:
        raise DevlabError(f"the pack holds folders in each other without end: {entry.path[:200]}")
    yield entry
    if entry.is_dir(follow_symlinks=False):
        with os.scandir(entry.path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for inner in ordered:
            yield from _descend(inner, ignored)


def _require_plain(entry: os.DirEntry[str], relative: str) -> None:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        raise DevlabError(f"the pack holds a link, {relative!r}, and a pack holds none")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise DevlabError(f"the pack holds {relative!r}, which is neither a file nor a folder")
    if not relative.isprintable():
        raise DevlabError(f"the pack holds a name that cannot be shown: {relative!r}")
    if stat.S_ISREG(mode) and entry.stat(follow_symlinks=False).st_size > FILE_LIMIT:
        raise DevlabError(
            f"the pack holds {relative!r}, which is larger than {FILE_LIMIT // _MEGABYTE} MB"
        )


def _spelling(path: str) -> str:
    """Return the same for all names that a disk may take for one."""
    return unicodedata.normalize("NFC", path).casefold()


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)
