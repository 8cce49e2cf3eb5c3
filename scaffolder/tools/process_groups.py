"""Does anything of a process group go on after its first process?"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

# Seconds that what a program started has to follow it into its end, and between two looks.
_STAYING, _PAUSE = 1.0, 0.05


def has_members(group: int) -> bool:
    """Whether something of a process group stays, whose first process is over."""
    deadline = time.monotonic() + _STAYING
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        time.sleep(_PAUSE)
    return _is_alive(group)


def _is_alive(group: int) -> bool:
    """Whether a group is more than processes that are over and that nobody has asked about."""
    states = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of its program stands in brackets, and may hold some.
            state, _, its_group = place.read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
            states[place] = (state, int(its_group))
    return not states or any(state != "Z" for state, one in states.values() if one == group)
