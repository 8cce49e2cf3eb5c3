"""What is in a package that somebody else made, looked at in a process with limits.

A few hundred bytes can unfold to a terabyte. Run as a program, `members.py FILE` prints the names
as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tarfile
import zipfile
from pathlib import Path

from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken

SECONDS = 20.0
NAMES = 20_000
UNFOLDED = 1024 * 1024 * 1024
_MEMORY = 1024 * 1024 * 1024


def read_members(path: Path) -> list[str] | None:
    """Return the names of the files in a wheel or another archive, None where it is none.

    One with more names than NAMES, or that unfolds to more than UNFOLDED bytes, is none.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                return names if len(names) <= NAMES else None
        return _tar_members(path)
    except Exception:  # noqa: BLE001 -- any of a dozen, of the decompressors and of Python's
        return None


def _tar_members(path: Path) -> list[str] | None:
    names: list[str] = []
    left = UNFOLDED
    # As a stream: what a member claims to hold is known before it is unfolded.
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            names.append(member.name)
            left -= member.size
            if left < 0 or len(names) > NAMES:
                return None
    return names


def list_members(path: Path, cancel: CancelToken) -> list[str] | None:
    """Return what `read_members` does, found out in a process that is bounded."""
    done = processes.run(
        (sys.executable, "-I", "-m", __name__, path),
        timeout=SECONDS,
        cancel=cancel,
        env={},
        output_limit=64 * 1024 * 1024,
    )
    try:
        names = json.loads(done.stdout) if done.ok else None
    except ValueError:
        return None
    return names if isinstance(names, list) else None


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
    print(json.dumps(read_members(Path(sys.argv[1]))))  # noqa: T201


if __name__ == "__main__":
    _main()
