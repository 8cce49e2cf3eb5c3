"""Temporary folders that outlive nobody: each is locked for as long as its maker lives.

The kernel lets go of the lock when the process dies, however it dies. So a folder whose lock can be
taken is a dead one's, and may be removed with all that its name marks elsewhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from scaffolder.core import paths
from scaffolder.core.errors import DevlabError
from scaffolder.core.folders import remove_tree
from scaffolder.core.interrupts import hold_interrupts

_LOCK = "lock"
# The address of a socket has at most 103 bytes on macOS, 107 on Linux.
_ADDRESS_LIMIT = 103
# Far more than a folder takes from its making to its name.
_DRAFT_SECONDS = 600.0


@contextlib.contextmanager
def make_run_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield the folder of a new run, whose id is its name; remove it at the end.

    `parent` is one of `paths.list_runs_folders`, by default the usual one. Raises DevlabError where
    the temporary space cannot be written.
    """
    run_id = f"{_origin()}-{secrets.token_hex(4)}"
    folder = (parent or paths.find_runs_folder()) / run_id
    # Under its real name the folder is locked from the first moment, so no sweep takes it for dead.
    draft = folder.with_name(f".{run_id}")
    try:
        draft.mkdir(mode=0o700)
        lock = os.open(draft / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        draft.rename(folder)
    except KeyboardInterrupt:
        remove_tree(draft)
        remove_tree(folder)
        raise
    except OSError as error:
        raise DevlabError(
            f"cannot write to the temporary folder {folder.parent}: {error.strerror}",
            hint="make room there, or set TMPDIR to a folder with space",
        ) from error
    try:
        yield folder
    finally:
        with hold_interrupts():
            remove_tree(folder)
            os.close(lock)


class SocketFolder:
    """A folder whose path is short enough for the addresses of Unix sockets, until `remove`.

    It lies below `near` where that is short enough, otherwise in a run folder of its own. `needed`
    is how many bytes an address has behind the folder's path, with the slash. The folder is its
    maker's alone. Raises DevlabError where it cannot be made.
    """

    def __init__(self, near: Path, needed: int) -> None:
        self._open = contextlib.ExitStack()
        name = f"s-{secrets.token_hex(4)}"
        if len(os.fsencode(near / name)) + needed <= _ADDRESS_LIMIT:
            self.path = near / name
            self.path.mkdir(mode=0o700)
            self._open.callback(remove_tree, self.path)
        else:
            short = make_run_folder(paths.find_short_runs_folder())
            self.path = self._open.enter_context(short)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder; harmless when it is gone."""
        self._open.close()


def is_dead(run_id: str) -> bool:
    """Whether a run was started by this user on this machine and lives no more."""
    ours = run_id.startswith(f"{_origin()}-")
    return ours and not _is_locked(paths.find_runs_folder() / run_id)


def find_dead_folders() -> list[Path]:
    """Return the folders that runs of this user's left behind when they died."""
    prefix = f"{_origin()}-"
    return [
        folder
        for parent in paths.list_runs_folders()
        for folder in parent.iterdir()
        if (folder.name.startswith(prefix) and not _is_locked(folder))
        or (folder.name.startswith(f".{prefix}") and _is_abandoned_draft(folder))
    ]


def _is_locked(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _is_abandoned_draft(folder: Path) -> bool:
    """Whether who began a folder died before it had its name: it is one for a moment only."""
    try:
        age = time.time() - folder.lstat().st_mtime
    except FileNotFoundError:
        return False
    return age > _DRAFT_SECONDS and not _is_locked(folder)


def _origin() -> str:
    """Return what runs of this user on this machine begin their ids with.

    An engine may serve several machines: a run that is unknown here is not dead for that.
    """
    return hashlib.sha256(f"{os.uname().nodename}:{paths.find_runs_folder()}".encode()).hexdigest()[
        :8
    ]
