"""What a terminal is like, as far as a drawing on it depends on that: known without what draws."""

from __future__ import annotations

import os
import sys

# Every variable that rich looks at.
SETTINGS = (
    *("COLORTERM", "COLUMNS", "DATABRICKS_RUNTIME_VERSION", "FORCE_COLOR", "JUPYTER_COLUMNS"),
    *("JUPYTER_LINES", "LINES", "NO_COLOR", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
)
_STANDARD_STREAMS = (0, 1, 2)


def looks() -> tuple[str, ...]:
    """Return all that decides how a drawing looks on standard output."""
    return (
        f"encoding={sys.stdout.encoding}",
        f"terminal={sys.stdout.isatty()}",
        *(f"size={_size(stream)}" for stream in _STANDARD_STREAMS),
        *(f"{name}={os.environ.get(name)}" for name in SETTINGS),
    )


def _size(stream: int) -> os.terminal_size | None:
    """Return columns and lines of a stream's terminal; None where it has none."""
    try:
        return os.get_terminal_size(stream)
    except OSError:
        return None
