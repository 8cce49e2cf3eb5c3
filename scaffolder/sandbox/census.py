"""Count what runs in a sandbox, and the memory that it takes, from outside.

The kernel's own limit on processes does not bind root and counts all that a user runs. A sandbox
has a process space of its own, so counting is exact, and killing its first process ends all of it
at once, however quickly it multiplies.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.tools.command import Limits
from scaffolder.tools.processes import Ending, children

# Seconds between two counts.
_PAUSE = 0.2
# Columns of /proc/PID/statm, in pages: what is in memory, and what of it is shared.
_RESIDENT, _SHARED = 1, 2
_PAGE_KB = 4


@dataclass
class Census:
    """Says when the sandbox of a bubblewrap process goes beyond its limits."""

    limits: Limits
    _next: float = field(default=0.0)

    def __call__(self, pid: int) -> Ending | None:
        """Look, unless that was done a moment ago; `pid` is that of bubblewrap on this machine."""
        now = time.monotonic()
        if now < self._next:
            return None
        threads, megabytes = self._count(pid)
        # What takes long to count is counted less often, unless there is much of it.
        self._next = time.monotonic() + max(_PAUSE, 10 * (time.monotonic() - now))
        if threads > self.limits.processes:
            return Ending.TOO_MANY_PROCESSES
        if megabytes > self.limits.total_memory_mb:
            return Ending.TOO_MUCH_MEMORY
        return None

    def _count(self, pid: int) -> tuple[int, int]:
        """Return how many threads there are, and the memory that they have for themselves."""
        threads, pages = 0, 0
        for first in children(pid):
            # Its /proc shows the sandbox's processes, and no others.
            with contextlib.suppress(OSError):
                for entry in Path(f"/proc/{first}/root/proc").iterdir():
                    if not entry.name.isdecimal():
                        continue
                    with contextlib.suppress(OSError, ValueError, IndexError):
                        memory = (entry / "statm").read_text("ascii").split()
                        pages += int(memory[_RESIDENT]) - int(memory[_SHARED])
                        # One link for each thread, and two of the folder itself.
                        threads += (entry / "task").stat().st_nlink - 2
                    if threads > self.limits.processes:
                        return threads, 0
        return threads, pages * _PAGE_KB // 1024
