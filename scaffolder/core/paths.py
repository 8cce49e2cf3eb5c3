"""The folders of the user's that devlab may write to, by the conventions of the system."""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from scaffolder.core.errors import DevlabError

# The one entry of the folder of runs that is none.
SLOTS = "slots"
# Where a path is short enough for the address of a socket, wherever TMPDIR leads.
_SHORT_TEMPORARY_SPACE = Path("/tmp")  # noqa: S108 -- the folder in it is the user's own, mode 700


def find_cache_folder() -> Path:
    """Return the folder for what can be made again (wheels), created if need be."""
    return _usable(platformdirs.user_cache_path("devlab"))


def find_state_folder() -> Path:
    """Return the folder for logs, created if need be."""
    return _usable(platformdirs.user_state_path("devlab"))


def find_data_folder() -> Path:
    """Return the folder for what the user installed (packs), which need not exist.

    There is no other place for it: what somebody installed must be there the next time.
    """
    return platformdirs.user_data_path("devlab")


def list_conventional_folders() -> dict[str, Path]:
    """Return the folders for caches, logs and data as they are by convention, made or not."""
    return {
        "cache": platformdirs.user_cache_path("devlab"),
        "state": platformdirs.user_state_path("devlab"),
        "data": platformdirs.user_data_path("devlab"),
    }


def find_runs_folder() -> Path:
    """Return the folder, in the system's temporary space, that holds this user's runs.

    Raises DevlabError where somebody else made it: they could change what is checked in it.
    """
    return _make_runs_folder(Path(tempfile.gettempdir()))


def find_short_runs_folder() -> Path:
    """Return the folder for what needs a short path, where the temporary space has a long one.

    Raises DevlabError where somebody else made it.
    """
    return _make_runs_folder(_SHORT_TEMPORARY_SPACE)


def list_runs_folders() -> list[Path]:
    """Return the folders that hold this user's runs, as far as they are there."""
    short = _SHORT_TEMPORARY_SPACE / f"devlab-{_user()}"
    return list({find_runs_folder(): None, **({short: None} if _is_own_folder(short) else {})})


def _make_runs_folder(parent: Path) -> Path:
    folder = parent / f"devlab-{_user()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not _is_own_folder(folder):
        raise DevlabError(
            f"{folder} is not a folder of yours, so what is checked would not be safe in it",
            hint="remove it, or set TMPDIR to a folder of your own",
        )
    return folder


def _is_own_folder(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return stat.S_ISDIR(found.st_mode) and own


def locate_slots() -> Path:
    """Return the folder whose files this user's runs hold while they load the processors."""
    return find_runs_folder() / SLOTS


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


def _usable(folder: Path) -> Path:
    """Return `folder`, or a place in the temporary space where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return find_runs_folder()
    return folder if os.access(folder, os.W_OK) else find_runs_folder()
