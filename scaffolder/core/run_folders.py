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
from collections.abc import Iterator
from pathlib import Path

from scaffolder.core import paths
from scaffolder.core.errors import DevlabError
from scaffolder.core.folders import remove_tree
from scaffolder.core.interrupts import hold_interrupts

_LOCK = "lock"


@contextlib.contextmanager
def make_run_folder() -> Iterator[Path]:
    """Yield the folder of a new run, whose id is its name; remove it at the end.

    Raises DevlabError where the temporary space cannot be written.
    """
    run_id = f"{_origin()}-{secrets.token_hex(4)}"
    folder = paths.find_runs_folder() / run_id
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


def is_dead(run_id: str) -> bool:
    """Whether a run was started by this user on this machine and lives no more."""
    if not run_id.startswith(f"{_origin()}-"):
        return False
    try:
        lock = os.open(paths.find_runs_folder() / run_id / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def find_dead_folders() -> list[Path]:
    """Return the folders that runs of this user's left behind when they died."""
    prefix = f"{_origin()}-"
    return [
        folder
        for folder in paths.find_runs_folder().iterdir()
        if folder.name.startswith(prefix) and is_dead(folder.name)
    ]


def _origin() -> str:
    """Return what runs of this user on this machine begin their ids with.

    An engine may serve several machines: a run that is unknown here is not dead for that.
    """
    return hashlib.sha256(f"{os.uname().nodename}:{paths.find_runs_folder()}".encode()).hexdigest()[
        :8
    ]
