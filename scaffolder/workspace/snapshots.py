"""Copy a learner's work, or tell what a copy would hold; nothing is written into a workspace."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from scaffolder.core import folders, symlinks
from scaffolder.core.errors import DevlabError
from scaffolder.workspace.files import escape_path, make_unreadable_error
from scaffolder.workspace.repositories import REPOSITORY, read_refs

FILE_LIMIT = 20 * 1024 * 1024
TOTAL_LIMIT = 200 * 1024 * 1024
COUNT_LIMIT = 20_000
_FOLDER_MODE = 0o755
# Of a path that may be thousands of characters long.
_NEAR_SHOWN = 60


# Never part of the work: version control, environments and caches. They are large, machine-made,
# and a check that needs one plants its own.
IGNORED = frozenset(
    {
        ".git",
        ".devlab",
        ".hypothesis",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".terraform",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "venv",
    }
)


class Skipped(msgspec.Struct, frozen=True):
    """A path that a snapshot left out, and why."""

    path: str
    reason: str


def take_snapshot(root: Path, destination: Path) -> tuple[Skipped, ...]:
    """Copy the work in `root` to the new folder `destination`; return what was left out.

    Caches and version control (IGNORED) are not copied; links inside the workspace stay links,
    links that lead outside, pipes, sockets and devices are left out. Raises DevlabError where the
    work is larger than FILE_LIMIT, TOTAL_LIMIT or COUNT_LIMIT allow.
    """
    skipped: list[Skipped] = []
    destination.mkdir(parents=True)
    for relative, entry, reason in _work(root):
        target = destination / relative
        if reason:
            skipped.append(Skipped(str(relative), reason))
        elif entry.is_symlink():
            target.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir(follow_symlinks=False):
            target.mkdir()
            # What an image copies of it must not depend on the umask of who runs devlab.
            target.chmod(_FOLDER_MODE)
        else:
            shutil.copy2(entry.path, target, follow_symlinks=False)
    return tuple(skipped)


class WorkSurvey(msgspec.Struct, frozen=True):
    """What a snapshot of some work would hold, without making it.

    `told` says, for each path, what would differ if it were changed: its kind, whether it may be
    run, the SHA-256 of its content, or where a link leads. `skipped` is what would be left out.
    """

    told: Mapping[str, str]
    skipped: tuple[Skipped, ...]


def survey_work(root: Path) -> WorkSurvey:
    """Look at the work in `root` as `take_snapshot` does; raises as it does."""
    told: dict[str, str] = {}
    skipped: list[Skipped] = []
    for relative, entry, reason in _work(root):
        if reason:
            skipped.append(Skipped(str(relative), reason))
        elif entry.is_dir(follow_symlinks=False):
            told[str(relative)] = "folder"
        else:
            told[str(relative)] = _fingerprint(Path(entry.path))
    return WorkSurvey(told, tuple(skipped))


def _work(root: Path) -> Iterator[tuple[Path, os.DirEntry[str], str]]:
    """Yield the entries of a workspace, and why one is left out.

    Raises DevlabError where there is more than FILE_LIMIT, TOTAL_LIMIT or COUNT_LIMIT allow, or
    where some of it may not be read.
    """
    total = 0
    for count, entry in enumerate(walk_work(root), start=1):
        relative = Path(entry.path).relative_to(root)
        reason = _why_left_out(root, entry)
        plain = not reason and entry.is_file(follow_symlinks=False)
        if plain and not os.access(entry.path, os.R_OK):
            raise make_unreadable_error(Path(entry.path))
        yield relative, entry, reason
        if plain:
            total += entry.stat(follow_symlinks=False).st_size
        if count > COUNT_LIMIT or total > TOTAL_LIMIT:
            raise DevlabError(
                f"{root}: more than {COUNT_LIMIT:,} files or {TOTAL_LIMIT // 2**20} MB of work",
                hint=f"something large got in; near {relative}",
            )


def fingerprint_work(root: Path) -> dict[str, str]:
    """Return, for every file, folder and link below `root`, what would differ if it were changed.

    That is its kind, its permissions, and the SHA-256 of its content or where it leads. Of a git
    repository at its top, which is of our own making, count HEAD and refs: the rest follows from
    them, and its index is another one each time.
    """
    found = {
        str(path.relative_to(root)): _fingerprint(path)
        for path in sorted(root.rglob("*"))
        if path.relative_to(root).parts[0] != REPOSITORY
    }
    if (root / REPOSITORY / "HEAD").is_file():
        found |= {f"{REPOSITORY}/{name}": told for name, told in read_refs(root).items()}
    return found


def has_changed_since(root: Path, moment: float) -> bool:
    """Whether anything of the work may be another than at a time, in seconds since the epoch.

    By when the system says that files and folders were changed, which nobody sets as they like; a
    time that is still to come says nothing, so then it may be.
    """
    looked_at = (str(root), *(entry.path for entry in walk_work(root)))
    return moment > time.time() or any(os.lstat(path).st_ctime >= moment for path in looked_at)


def _fingerprint(path: Path) -> str:
    if path.is_symlink():
        return f"link {path.readlink()}"
    mode = f"{path.stat().st_mode:o}"
    return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else mode


def walk_work(root: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, parents before children, in a stable order, without IGNORED.

    Raises DevlabError for a folder that may not be read, is gone, or lies too deep.
    """
    try:
        yield from folders.walk_folder(root, IGNORED)
    except PermissionError as error:
        raise make_unreadable_error(Path(error.filename)) from error
    except folders.UnboundedError as error:
        near = escape_path(Path(error.path).relative_to(root))[:_NEAR_SHOWN]
        raise DevlabError(
            f"{root}: {error.what}, and no project needs that",
            hint=f"something made them without end: remove what lies in {near}",
        ) from error
    except OSError as error:
        raise DevlabError(
            f"{error.filename or root} cannot be looked at: {error.strerror}"
        ) from error


def _why_left_out(root: Path, entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        inside = symlinks.stays_inside(root, Path(entry.path).relative_to(root))
        return "" if inside else "a link that leads outside the workspace"
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        return ""
    if not stat.S_ISREG(mode):
        return "neither a file nor a folder"
    if entry.stat(follow_symlinks=False).st_size > FILE_LIMIT:
        return f"larger than {FILE_LIMIT // 2**20} MB"
    return ""
