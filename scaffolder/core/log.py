"""The log file for what should not happen."""

from __future__ import annotations

import contextlib
import time
import traceback
from pathlib import Path

from scaffolder.core import paths


def write_log(what: str, error: BaseException) -> Path:
    """Append a traceback to devlab's log file and return the file."""
    path = paths.find_state_folder() / "errors.log"
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    lines = traceback.format_exception(error)
    with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
        file.write(f"--- {stamp} {what}\n{''.join(lines)}\n")
    return path
