"""A run from birth to burial: its folder, its id, and the sweeping up after dead ones.

Each run holds a lock in its folder for as long as it lives; the kernel lets go of it when the
process dies, however it dies. So a run whose lock can be taken is dead, and what it left behind
may be removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffolder.core import paths
from scaffolder.core.errors import DevlabError
from scaffolder.core.folders import remove_tree
from scaffolder.core.interrupts import held_back
from scaffolder.core.log import write_log

_LOCK = "lock"
# Seconds within which a check ends that found everything kept.
_AT_ONCE = 0.3


@dataclass(frozen=True)
class Swept:
    """What a sweep removed: folders of dead runs, and things in the Docker Engine."""

    folders: int
    engine: int


def _origin() -> str:
    """Return what runs of this user on this machine begin their ids with.

    An engine may serve several machines: a run that is unknown here is not dead for that.
    """
    return hashlib.sha256(f"{socket.gethostname()}:{paths.runs()}".encode()).hexdigest()[:8]


@contextlib.contextmanager
def new_run() -> Iterator[tuple[str, Path]]:
    """Yield the id and the folder of a new run; remove the folder at the end.

    Raises DevlabError where the temporary space cannot be written.
    """
    run_id = f"{_origin()}-{secrets.token_hex(4)}"
    folder = paths.runs() / run_id
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
        yield run_id, folder
    finally:
        with held_back():
            remove_tree(folder)
            os.close(lock)


def is_dead(run_id: str) -> bool:
    """Whether a run was started by this user on this machine and lives no more."""
    if not run_id.startswith(f"{_origin()}-"):
        return False
    try:
        lock = os.open(paths.runs() / run_id / _LOCK, os.O_RDWR | os.O_CLOEXEC)
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


def sweep() -> Swept:
    """Remove everything that dead runs left behind: folders, containers, images, networks."""
    from scaffolder.tools import engine

    dead = _dead_folders()
    removed = engine.sweep(is_dead)
    for folder in dead:
        remove_tree(folder)
    return Swept(folders=len(dead), engine=removed)


def _dead_folders() -> list[Path]:
    prefix = f"{_origin()}-"
    return [
        folder
        for folder in paths.runs().iterdir()
        if folder.name.startswith(prefix) and is_dead(folder.name)
    ]


def sweep_and_note() -> None:
    """Sweep; what goes wrong in it is noted and stops nobody."""
    try:
        sweep()
    except Exception as error:  # noqa: BLE001 -- tidying up must not spoil a check
        write_log("sweep", error)


@contextlib.contextmanager
def sweeping() -> Iterator[None]:
    """Sweep beside what the block does; what goes wrong in it is noted and stops nobody.

    A block that is over at once, as where nothing has to be checked, is not held up to ask an
    engine: then it is swept only where a dead run is seen.
    """

    over, began = threading.Event(), threading.Event()

    def sweep_unless_over() -> None:
        if not over.wait(_AT_ONCE):
            began.set()
            sweep_and_note()

    broom = threading.Thread(target=sweep_unless_over, name="sweep", daemon=True)
    broom.start()
    try:
        yield
    finally:
        over.set()
        broom.join()
    if not began.is_set() and _dead_folders():
        sweep_and_note()
