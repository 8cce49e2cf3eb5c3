"""What is in a package that somebody else made, looked at in a process with limits.

A few hundred bytes can unfold to a terabyte. Run as a program, `members.py FILE` prints the names
as JSON, and what the Python files are.
"""

from __future__ import annotations

import hashlib
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
_SOURCE = 1024 * 1024


def digest_source(source: bytes) -> str:
    """Return what tells a source from any other, "" for one that is too large to be one."""
    return hashlib.sha256(source).hexdigest() if len(source) <= _SOURCE else ""


def read_members(path: Path) -> dict[str, str] | None:
    """Return the names of the files in a wheel or another archive, None where it is none.

    A name of a Python file comes with the digest of its content, any other one with "". One with
    more names than NAMES, or that unfolds to more than UNFOLDED bytes, is none.
    """
    try:
        return _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)
    except Exception:  # noqa: BLE001 -- any of a dozen, of the decompressors and of Python's
        return None


def _zip_members(path: Path) -> dict[str, str] | None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > NAMES:
            return None
        members = {}
        left = UNFOLDED
        for entry in entries:
            members[entry.filename] = ""
            if entry.filename.endswith(".py"):
                with archive.open(entry) as file:
                    source = file.read(_SOURCE + 1)
                members[entry.filename] = digest_source(source)
                left -= len(source)
            if left < 0:
                return None
        return members


def _tar_members(path: Path) -> dict[str, str] | None:
    members: dict[str, str] = {}
    left = UNFOLDED
    # As a stream: what a member claims to hold is known before it is unfolded.
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            members[member.name] = ""
            left -= member.size
            if left < 0 or len(members) > NAMES:
                return None
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None and member.name.endswith(".py"):
                members[member.name] = digest_source(file.read(_SOURCE + 1))
    return members


def list_members(
    path: Path, cancel: CancelToken, seconds: float = SECONDS
) -> dict[str, str] | None:
    """Return what `read_members` does, found out in a process that is bounded."""
    done = processes.run(
        (sys.executable, "-I", "-m", __name__, path),
        timeout=min(seconds, SECONDS),
        cancel=cancel,
        env={},
        output_limit=64 * 1024 * 1024,
    )
    try:
        names = json.loads(done.stdout) if done.ok else None
    except ValueError:
        return None
    return names if isinstance(names, dict) else None


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
    print(json.dumps(read_members(Path(sys.argv[1]))))  # noqa: T201


if __name__ == "__main__":
    _main()
