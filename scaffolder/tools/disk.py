"""What folders take of the disk, and what is left of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from scaffolder.tools.processes import CancelToken, Ending, run

# Seconds; counting a folder of a million files takes a few.
_PATIENCE = 20.0


def measure_free_mb(folders: Iterable[Path]) -> int:
    """Return what is left, in MB, of the file systems of some folders together."""
    left: dict[int, int] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            told = os.statvfs(folder)
            left[folder.stat().st_dev] = told.f_bavail * told.f_frsize // 2**20
    return sum(left.values())


def measure_used_mb(folders: Iterable[Path]) -> int | None:
    """Return what some folders take, in MB, each file once; None where that cannot be told in time.

    `du` goes down folders that are nested too deep to have a name.
    """
    named = [folder for folder in folders if folder.is_dir()]
    if not named:
        return 0
    done = run(["du", "-skc", "--", *named], timeout=_PATIENCE, cancel=CancelToken())
    last = done.stdout.splitlines()[-1:]
    if done.ending is not Ending.EXITED or not last:
        return None
    return int(last[0].split()[0]) // 1024
