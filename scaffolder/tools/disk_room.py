"""Is there room on a disk?"""

from __future__ import annotations

import shutil
from pathlib import Path

from scaffolder.model.readiness import Observation, Status

# A snapshot may be 200 MB, and a rehearsal copies it; an image takes more.
LEAST = 256 * 1024 * 1024
ENOUGH = 1024 * 1024 * 1024


def measure_room(what: str, title: str, folder: Path) -> Observation:
    """Return how much room there is on the disk that `folder` lies on."""
    free = shutil.disk_usage(folder).free
    message = f"{free / 1e9:.1f} GB free in {folder}"
    status = Status.OK if free >= ENOUGH else Status.WARNING if free >= LEAST else Status.MISSING
    if status is Status.WARNING:
        message += ", which is little"
    if status is Status.MISSING:
        message = f"only {free / 1e6:.0f} MB free in {folder}; a check needs {LEAST / 1e6:.0f}"
    return Observation(
        id=what,
        title=title,
        status=status,
        message=message,
        advice="" if status is Status.OK else _advice(what),
    )


def _advice(what: str) -> str:
    if what == "engine-disk":
        return "docker system df shows what takes it, docker system prune removes what is unused"
    return "make room there, or set TMPDIR to a folder on another disk"
