"""A command that runs in a sandbox: what it is, what it may see and write, and its bounds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scaffolder.tools.processes import (
    DEFAULT_OUTPUT_LIMIT,
    CancelToken,
    Completed,
    Daemon,
)


@dataclass(frozen=True)
class Limits:
    """Bounds on one command and all it starts. Sizes are in MB, times in seconds.

    `processes`, `total_memory_mb` and `disk_mb` bound the whole of what the command starts, threads
    counted; the others bound each process alone.
    """

    cpu_seconds: int = 600
    file_mb: int = 512
    open_files: int = 1024
    memory_mb: int = 8192
    processes: int = 1024
    total_memory_mb: int = 8192
    disk_mb: int = 4096

    def shell_prefix(self) -> str:
        """Return the shell commands that set the bounds before the real command replaces it."""
        return (
            f"ulimit -c 0; ulimit -t {self.cpu_seconds}; ulimit -n {self.open_files}; "
            f"ulimit -f {self.file_mb * 2048}; ulimit -v {self.memory_mb * 1024} 2>/dev/null; "
        )


@dataclass(frozen=True)
class Interruption:
    """A signal that a program gets while it runs: it alone, and nothing that it started.

    `after` are seconds from its start; where `at` is given, from the first line of either stream
    for which that holds.
    """

    number: int
    after: float = 0.0
    at: Callable[[str], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that a learner, or somebody else's template, controls.

    `cwd` and `writable` can be written to, `visible` can be read; of the rest of the machine only
    the system's programs and libraries are there. `env` comes on top of a scrubbed environment.
    The others are as in `processes.run`; what tells of the end is looked at where the command
    is run to it.
    """

    argv: Sequence[str | os.PathLike[str]]
    cwd: Path
    timeout: float
    env: Mapping[str, str] = field(default_factory=dict)
    visible: Sequence[Path] = ()
    writable: Sequence[Path] = ()
    limits: Limits = field(default_factory=Limits)
    output_limit: int = DEFAULT_OUTPUT_LIMIT
    on_line: Callable[[str], None] | None = None
    stdin: bytes = b""
    interruption: Interruption | None = None
    find_left: bool = False


class Sandbox(Protocol):
    """Where commands that a learner controls run; see scaffolder/sandbox/.

    A run is handed one and knows no more of it than this.
    """

    @property
    def identity(self) -> str:
        """What keeps commands in, in a word that stays the same: verdicts are kept by it."""
        ...

    @property
    def walled(self) -> bool:
        """Whether a command has a machine, and a loopback, of its own."""
        ...

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a scrubbed environment for programs that are ours, with `extra` on top."""
        ...

    def run(self, command: Command, cancel: CancelToken) -> Completed:
        """Run a command to its end; errors as `processes.run`."""
        ...

    def start(self, command: Command, log: Path) -> Daemon:
        """Start a server that ends when it is stopped, or with us; its output goes to `log`."""
        ...
