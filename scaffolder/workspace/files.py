"""Read files of a folder whose owner may be hostile: links lead outside, files never end."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from scaffolder.core.errors import DevlabError, UnusableFileError

TEXT_LIMIT = 1024 * 1024

# Too many open files, no memory, a disk that breaks.
_NOT_THE_FILE_S_FAULT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})


def escape_path(path: Path) -> str:
    """Return a path as text that can be kept and reported; bytes that are none are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def make_unreadable_error(path: Path) -> DevlabError:
    """Return what is told of a file that the user may not read, with what would mend it."""
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
