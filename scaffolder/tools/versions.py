"""Ask a program for its version, which tells at once whether it can be run; compare versions."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffolder.core.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Ending

if TYPE_CHECKING:
    from packaging.version import Version

_SECONDS = 10.0
_OUTPUT_LIMIT = 64 * 1024
_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


def ask_version(
    argv: Sequence[str | os.PathLike[str]], env: Mapping[str, str] | None = None
) -> str:
    """Return the version that a program prints; raises UnavailableError where it does not run."""
    done = processes.run(
        argv, env=env, timeout=_SECONDS, cancel=CancelToken(), output_limit=_OUTPUT_LIMIT
    )
    name = Path(os.fspath(argv[0])).name
    if done.ending is Ending.TIMED_OUT:
        raise UnavailableError(f"{name} did not tell its version within {_SECONDS:.0f} seconds")
    if not done.ok:
        why = " ".join(done.tail(1)) or f"it ended with {done.returncode}"
        raise UnavailableError(f"{name} does not run: {why}")
    found = _VERSION.search(done.output)
    return found[0] if found else next(iter(done.tail(1)), "").strip()


def parse_version(text: str) -> Version:
    """Return a version that can be compared; a text that is none comes before all that are."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")


def format_pip_install(distribution: str) -> str:
    """Return the command that installs a distribution beside devlab."""
    return shlex.join([sys.executable, "-m", "pip", "install", distribution])
