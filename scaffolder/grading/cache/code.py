"""Which of devlab's own code a verdict depends on: what all kinds share, and their families."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import scaffolder
from scaffolder.checks import families
from scaffolder.checks.family import Family
from scaffolder.core.file_digests import open_file_digests
from scaffolder.grading.cache.hashing import hash_lines

# The rooms that no verdict depends on, given the files of an answer and of the start, and what a
# lab asks: those that make or read these are left out, for what they make is looked at.
_NOT_GRADING = frozenset(
    {
        *("authoring", "cli", "doctor", "entry.py", "labs", "progress", "proving", "report"),
        *("revise", "watch"),
    }
)
PACKAGE = Path(scaffolder.__file__).parent
# What the paths of our own files begin with: it says nothing of them, the package may lie anywhere.
_INSIDE = f"{PACKAGE}{os.sep}"


def digest_code(used: Sequence[Family]) -> str:
    """Return a digest of the code that grades the checks of some families.

    It is looked at once in a process: code that is loaded does not change.
    """
    return _digest(tuple(family.folder for family in used), _all_folders())


def digest_other_code() -> str:
    """Return a digest of the rest of devlab's code: what finds and reads labs, and tells reports.

    It is looked at once in a process, as `digest_code`.
    """
    return _digest_rest()


def list_code(used: Iterable[Family]) -> Iterator[Path]:
    """Yield the files that `digest_code` looks at, in a stable order."""
    for entry in _list_grading(tuple(family.folder for family in used), _all_folders()):
        yield Path(entry.path)


def find_owner(path: Path) -> str | None:
    """Return which family's code a file of devlab's own is; "" for what all share.

    None where no verdict depends on it.
    """
    if path.relative_to(PACKAGE).parts[0] in _NOT_GRADING:
        return None
    owner = (one.name for one in families.FAMILIES if path.is_relative_to(one.folder))
    return next(owner, "")


def list_files(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder in a stable order, but those that Python compiled."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from list_files(entry.path)
        elif entry.is_file():
            yield entry


def _all_folders() -> tuple[str, ...]:
    return tuple(family.folder for family in families.FAMILIES)


@functools.cache
def _digest(used: tuple[str, ...], known: tuple[str, ...]) -> str:
    return hash_lines(_tell(_list_grading(used, known)))


@functools.cache
def _digest_rest() -> str:
    return hash_lines(_tell(one for one in _list_package() if not _grades(one)))


@functools.cache
def _list_package() -> tuple[os.DirEntry[str], ...]:
    """Return devlab's own files: to walk through its folders takes longer than to stat them."""
    return tuple(list_files(str(PACKAGE)))


def _list_grading(used: tuple[str, ...], known: tuple[str, ...]) -> Iterator[os.DirEntry[str]]:
    """Yield the code of what all families share, and that of the families in the folders `used`.

    `known` are the folders of all families.
    """
    apart = tuple(f"{folder}{os.sep}" for folder in known)
    mine = tuple(f"{folder}{os.sep}" for folder in used)
    for entry in _list_package():
        if not _grades(entry):
            continue
        if entry.path.startswith(mine) or not entry.path.startswith(apart):
            yield entry
    for folder in used:
        if not folder.startswith(_INSIDE):
            yield from list_files(folder)


def _grades(entry: os.DirEntry[str]) -> bool:
    room = entry.path.removeprefix(_INSIDE).partition(os.sep)[0]
    return room not in _NOT_GRADING


def _tell(entries: Iterable[os.DirEntry[str]]) -> Iterator[str]:
    digests = open_file_digests()
    for entry in entries:
        yield f"{entry.path.removeprefix(_INSIDE)} {digests.digest_file(entry.path, entry.stat())}"
