"""Runs the abacus."""

from __future__ import annotations

import shutil
from pathlib import Path

from scaffolder.core.errors import UnavailableError
from scaffolder.tools import processes, versions
from scaffolder.tools.processes import CancelToken


def find_program() -> Path:
    found = shutil.which("abacus")
    if found is None:
        raise UnavailableError("the abacus is not here", hint="make one of beads")
    return Path(found)


def read_version() -> str:
    return versions.ask_version([find_program(), "--version"])


def add(numbers: list[str], cancel: CancelToken) -> int:
    done = processes.run([find_program(), *numbers], timeout=10, cancel=cancel)
    return int(done.output)
