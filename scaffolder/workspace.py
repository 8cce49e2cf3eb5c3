"""The learner's folder: finding it, reading its manifest, copying it, reading files safely.

Everything in a workspace is the learner's and is hostile until proven otherwise: links may lead
outside, files may be huge, pipes may never end. Nothing here writes into a workspace.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from scaffolder import folders, links
from scaffolder.core.learner_ids import normalize_learner_id
from scaffolder.errors import DevlabError, UnusableFileError

MANIFEST = Path(".devlab") / "manifest.json"
# In a state that an author rendered: what is done in it is no learner's progress.
RENDERED = Path(".devlab") / "rendered"
MANIFEST_SCHEMA = "devlab.workspace/1"
# The same with a learner in it, whom an older devlab would not know to grade by.
LEARNER_SCHEMA = "devlab.workspace/2"
TEXT_LIMIT = 1024 * 1024
FILE_LIMIT = 20 * 1024 * 1024
TOTAL_LIMIT = 200 * 1024 * 1024
COUNT_LIMIT = 20_000
_FOLDER_MODE = 0o755
# Of a path that may be thousands of characters long.
_NEAR_SHOWN = 60

# Too many open files, no memory, a disk that breaks.
_NOT_THE_FILE_S_FAULT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})

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


class ManifestLab(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lab, in which version, a workspace was made from."""

    id: Annotated[str, Meta(max_length=200)]
    version: Annotated[str, Meta(max_length=200)]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `devlab new` wrote down about a workspace; `context` holds the template's variables.

    `learner` is the normalised id of whom it was made for, where it was made for somebody.
    """

    schema: str = MANIFEST_SCHEMA
    lab: ManifestLab
    context: dict[str, str]
    learner: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def learner_id(self) -> str:
        """Whom it was made for; "" for nobody in particular."""
        return "" if self.learner is msgspec.UNSET else self.learner


class _Header(msgspec.Struct, frozen=True):
    """What every version of a manifest begins with; the rest is the version's own."""

    schema: str


class NoWorkspaceError(DevlabError):
    """No folder from here upwards is a workspace."""


@dataclass(frozen=True)
class Workspace:
    """A learner's folder with its manifest."""

    root: Path
    manifest: Manifest


def as_text(path: Path) -> str:
    """Return a path as text that can be kept and reported; bytes that are none are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Skipped:
    """A path that a snapshot left out, and why."""

    path: str
    reason: str


def find(start: Path) -> Workspace:
    """Return the workspace that `start` lies in.

    Raises NoWorkspaceError where no folder from `start` upwards has a manifest, DevlabError where
    it is broken, or where `start` or what is in it cannot be looked at.
    """
    here = _resolved(start)
    for folder in (here, *here.parents):
        if _has_manifest(folder):
            return Workspace(folder, read_manifest(folder))
    raise NoWorkspaceError(
        f"{here} is not in a devlab workspace: no {MANIFEST} here or in a folder above",
        hint="make one with: devlab new LAB   (devlab list shows the labs)",
    )


def _resolved(start: Path) -> Path:
    try:
        if start.exists():
            return start.resolve()
    except FileNotFoundError as error:
        # To look at "." works in a folder that was removed, only its name is gone.
        raise DevlabError(
            "the current folder is gone: it was removed, or made anew",
            hint='go to it again, or to another one: cd "$PWD"',
        ) from error
    except OSError as error:
        raise DevlabError(f"{start} cannot be looked at: {error.strerror}") from error
    raise DevlabError(f"{start}: there is no such folder")


def _has_manifest(folder: Path) -> bool:
    """Whether a folder is a workspace; raises DevlabError where only its owner could tell."""
    try:
        os.lstat(folder / MANIFEST)
    except PermissionError as error:
        if os.path.lexists(folder / MANIFEST.parent):
            raise _unreadable(folder / MANIFEST.parent) from error
        return False
    except OSError:
        return False
    return True


def _unreadable(path: Path) -> DevlabError:
    message = f"you may not read {path}"
    try:
        own = path.lstat().st_uid == os.geteuid()
    except OSError:
        own = False
    if own:
        return DevlabError(
            message, hint=f"it is yours; to read it: chmod -R u+rwX {shlex.quote(str(path))}"
        )
    return DevlabError(
        message,
        hint="somebody else made it, such as a container that ran as root: remove it, or make it "
        f"yours with: sudo chown -R $(id -u) {shlex.quote(str(path))}",
    )


def read_manifest(root: Path) -> Manifest:
    """Read a workspace's manifest; raises DevlabError naming the file and what is wrong in it."""
    path = root / MANIFEST
    hint = "restore it with: git checkout -- .devlab   or start afresh with: devlab new LAB"
    try:
        text = read_text(root, str(MANIFEST))
        header = msgspec.json.decode(text, type=_Header)
        if header.schema not in (MANIFEST_SCHEMA, LEARNER_SCHEMA):
            raise _from_elsewhere(path, header.schema)
        manifest = msgspec.json.decode(text, type=Manifest)
        if manifest.learner_id != (
            manifest.learner_id and normalize_learner_id(manifest.learner_id)
        ):
            raise DevlabError("its learner's id is not written as devlab writes it")
    except UnusableFileError as error:
        raise DevlabError(f"{path}: {error.message}", hint=hint) from error
    except msgspec.DecodeError as error:
        raise DevlabError(f"{path}: not a devlab manifest: {error}", hint=hint) from error
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as `read_manifest` reads it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def _from_elsewhere(path: Path, schema: str) -> DevlabError:
    return DevlabError(
        f"{path}: schema is {schema!r}, this devlab reads {MANIFEST_SCHEMA!r} and "
        f"{LEARNER_SCHEMA!r}",
        hint="it was made by another version of devlab: upgrade devlab, or start afresh",
    )


def resolve_inside(root: Path, relative: str) -> Path:
    """Return `root / relative` with links followed, provided that it lies inside `root`.

    Raises UnusableFileError where the path leads outside or links run in a circle.
    """
    candidate = root / relative
    try:
        real = candidate.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UnusableFileError(
            "cannot be resolved (do its links form a circle?)", relative
        ) from error
    if Path(relative).is_absolute() or not real.is_relative_to(root.resolve()):
        raise UnusableFileError("leads outside the workspace, and devlab does not follow", relative)
    return real


def read_bytes(root: Path, relative: str, limit: int = TEXT_LIMIT) -> bytes:
    """Return the content of a regular file inside `root`, at most `limit` bytes long.

    Raises UnusableFileError where it is missing, no regular file, outside, or larger; OSError where
    the machine has not what it takes to open it.
    """
    path = resolve_inside(root, relative)
    try:
        # O_NONBLOCK: opening a named pipe must not wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnusableFileError("is missing", relative) from error
    except OSError as error:
        if error.errno in _NOT_THE_FILE_S_FAULT:
            raise
        raise UnusableFileError(f"cannot be read: {error.strerror}", relative) from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise UnusableFileError("is not a regular file", relative)
    with os.fdopen(handle, "rb") as file:
        if status.st_size > limit:
            raise UnusableFileError(
                f"is {status.st_size:,} bytes long; at most {limit:,} are read", relative
            )
        return file.read(limit)


def read_text(root: Path, relative: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text of a UTF-8 file inside `root`; raises as `read_bytes`, or for other bytes."""
    content = read_bytes(root, relative, limit)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableFileError("is not UTF-8 text", relative, line=line) from error


def snapshot(root: Path, destination: Path) -> tuple[Skipped, ...]:
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


@dataclass(frozen=True)
class Survey:
    """What a snapshot of some work would hold, without making it.

    `told` says, for each path, what would differ if it were changed: its kind, whether it may be
    run, the SHA-256 of its content, or where a link leads. `skipped` is what would be left out.
    """

    told: Mapping[str, str]
    skipped: tuple[Skipped, ...]


def survey(root: Path) -> Survey:
    """Look at the work in `root` as `snapshot` does; raises as it does."""
    told: dict[str, str] = {}
    skipped: list[Skipped] = []
    for relative, entry, reason in _work(root):
        if reason:
            skipped.append(Skipped(str(relative), reason))
        elif entry.is_dir(follow_symlinks=False):
            told[str(relative)] = "folder"
        else:
            told[str(relative)] = _fingerprint(Path(entry.path))
    return Survey(told, tuple(skipped))


def _work(root: Path) -> Iterator[tuple[Path, os.DirEntry[str], str]]:
    """Yield the entries of a workspace, and why one is left out.

    Raises DevlabError where there is more than FILE_LIMIT, TOTAL_LIMIT or COUNT_LIMIT allow, or
    where some of it may not be read.
    """
    total = 0
    for count, entry in enumerate(walk(root), start=1):
        relative = Path(entry.path).relative_to(root)
        reason = _why_left_out(root, entry)
        plain = not reason and entry.is_file(follow_symlinks=False)
        if plain and not os.access(entry.path, os.R_OK):
            raise _unreadable(Path(entry.path))
        yield relative, entry, reason
        if plain:
            total += entry.stat(follow_symlinks=False).st_size
        if count > COUNT_LIMIT or total > TOTAL_LIMIT:
            raise DevlabError(
                f"{root}: more than {COUNT_LIMIT:,} files or {TOTAL_LIMIT // 2**20} MB of work",
                hint=f"something large got in; near {relative}",
            )


def fingerprint(root: Path) -> dict[str, str]:
    """Return, for every file, folder and link below `root`, what would differ if it were changed.

    That is its kind, its permissions, and the SHA-256 of its content or where it leads.
    """
    return {str(path.relative_to(root)): _fingerprint(path) for path in sorted(root.rglob("*"))}


def changed_since(root: Path, moment: float) -> bool:
    """Whether anything of the work may be another than at a time, in seconds since the epoch.

    By when the system says that files and folders were changed, which nobody sets as they like; a
    time that is still to come says nothing, so then it may be.
    """
    looked_at = (str(root), *(entry.path for entry in walk(root)))
    return moment > time.time() or any(os.lstat(path).st_ctime >= moment for path in looked_at)


def _fingerprint(path: Path) -> str:
    if path.is_symlink():
        return f"link {path.readlink()}"
    mode = f"{path.stat().st_mode:o}"
    return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else mode


def walk(root: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, parents before children, in a stable order, without IGNORED.

    Raises DevlabError for a folder that may not be read, is gone, or lies too deep.
    """
    try:
        yield from folders.walk(root, IGNORED)
    except PermissionError as error:
        raise _unreadable(Path(error.filename)) from error
    except folders.UnboundedError as error:
        near = as_text(Path(error.path).relative_to(root))[:_NEAR_SHOWN]
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
        inside = links.stay_inside(root, Path(entry.path).relative_to(root))
        return "" if inside else "a link that leads outside the workspace"
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        return ""
    if not stat.S_ISREG(mode):
        return "neither a file nor a folder"
    if entry.stat(follow_symlinks=False).st_size > FILE_LIMIT:
        return f"larger than {FILE_LIMIT // 2**20} MB"
    return ""
