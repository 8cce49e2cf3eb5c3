"""Send a program the signal that it is to get while it runs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from scaffolder.tools.command import Interruption


@dataclass
class Interrupter:
    """Sends one signal when it is due: told of lines, and called every now and then.

    `find` returns the program's process, given that of the sandbox; None before it is there.
    """

    plan: Interruption
    find: Callable[[int], int | None]
    sent: bool = field(default=False, init=False)
    _due: float | None = field(default=None, init=False)
    _began: bool = field(default=False, init=False)

    def hear(self, line: str) -> None:
        """Look whether a line of the output is the one that the signal waits for."""
        if self._due is None and self.plan.at is not None and self.plan.at(line):
            self._due = time.monotonic() + self.plan.after

    def look(self, pid: int) -> None:
        """Send the signal if it is due."""
        if self.sent:
            return
        if self.plan.at is None and not self._began:
            # Before that there is nobody to interrupt, and on a busy machine that may be a while.
            self._began = self.find(pid) is not None
            self._due = time.monotonic() + self.plan.after if self._began else None
        if self._due is None or time.monotonic() < self._due:
            return
        program = self.find(pid)
        if program is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, self.plan.number)
                self.sent = True
