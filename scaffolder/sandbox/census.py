"""Count what runs in a sandbox, and the memory and disk that it takes, from outside.

The kernel's own limit on processes does not bind root and counts all that a user runs. A sandbox
has a process space of its own, so counting is exact, and killing its first process ends all of it
at once, however quickly it multiplies.
"""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.tools.command import Limits
from scaffolder.tools.disk import measure_free_mb, measure_used_mb
from scaffolder.tools.processes import Ending, list_children

# Seconds between two counts, and between two looks at what is written.
_PAUSE, _DISK_PAUSE = 0.2, 1.0
# Columns of /proc/PID/statm, in pages: what is in memory, and what of it is shared.
_RESIDENT, _SHARED = 1, 2
_PAGE_KB = 4
# Programs and their libraries are shared by all; from here on it is worth while to look closer.
_MUCH_SHARED = 16 * 1024 // _PAGE_KB
_BLOCK = 512


@dataclass
class Census:
    """Says when the sandbox of a bubblewrap process goes beyond its limits.

    `folders` are those that the command can write to; none may lie in another.
    """

    limits: Limits
    folders: tuple[Path, ...] = ()
    _next: float = field(default=0.0, init=False)
    _next_disk: float = field(default=0.0, init=False)
    _free: int = field(init=False)

    def __post_init__(self) -> None:
        self._free = measure_free_mb(self.folders)

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
        return Ending.TOO_MUCH_DISK if self._fills_disk(pid) else None

    def _count(self, pid: int) -> tuple[int, int]:
        """Return how many threads there are, and the memory that is theirs, in MB."""
        threads, pages, shared_kb = 0, 0, 0
        for entry in _processes(pid):
            with contextlib.suppress(OSError, ValueError, IndexError):
                memory = (entry / "statm").read_text("ascii").split()
                pages += int(memory[_RESIDENT]) - int(memory[_SHARED])
                # One link for each thread, and two of the folder itself.
                threads += (entry / "task").stat().st_nlink - 2
                if int(memory[_SHARED]) > _MUCH_SHARED:
                    shared_kb += _own_share_kb(entry)
            if threads > self.limits.processes:
                return threads, 0
        return threads, (pages * _PAGE_KB + shared_kb) // 1024

    def _fills_disk(self, pid: int) -> bool:
        """Whether the disk lost more than the command may write, and it is the command that has it.

        To count files takes long, and so waits until the disk has that much less.
        """
        now = time.monotonic()
        if (
            now < self._next_disk
            or self._free - measure_free_mb(self.folders) <= self.limits.disk_mb
        ):
            self._next_disk = max(self._next_disk, now + _PAUSE)
            return False
        used = measure_used_mb(self.folders)
        self._next_disk = time.monotonic() + max(_DISK_PAUSE, 10 * (time.monotonic() - now))
        # So many files that nobody can count them are too many as well.
        return used is None or used + _nameless_mb(pid) > self.limits.disk_mb


def _processes(pid: int) -> Iterator[Path]:
    """Yield the folders in /proc of all that runs in the sandbox of a bubblewrap process."""
    for first in list_children(pid):
        # Its /proc shows the sandbox's processes, and no others.
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{first}/root/proc").iterdir():
                if entry.name.isdecimal():
                    yield entry


def _own_share_kb(process: Path) -> int:
    """Return a process's part of memory that is shared and no file's.

    Of what several share each has its part, so that the sum over all is what there is.
    """
    for line in (process / "smaps_rollup").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "Pss_Shmem":
            return int(value.split()[0])
    return 0


def _nameless_mb(pid: int) -> int:
    """Return what files take that have no name any more and are still open."""
    sizes: dict[tuple[int, int], int] = {}
    for process in _processes(pid):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    told = descriptor.stat()
                    if stat.S_ISREG(told.st_mode) and told.st_nlink == 0:
                        sizes[told.st_dev, told.st_ino] = told.st_blocks * _BLOCK
    return sum(sizes.values()) // 2**20
