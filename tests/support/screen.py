"""A terminal for tests: devlab at one end, an emulator that shows what a person would see."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pexpect
import pyte

PATIENCE = 60.0


DEVLAB = (sys.executable, "-m", "scaffolder.cli")


class Terminal:
    """Runs a program in a pseudo-terminal; what it draws is kept as lines of text."""

    def __init__(
        self, *argv: str, cwd: Path, env: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.sent = b""
        self.process = pexpect.spawn(
            argv[0],
            list(argv[1:]),
            cwd=str(cwd),
            env={**os.environ, "TERM": "xterm-256color", **env},
            dimensions=(rows, columns),
        )

    @property
    def lines(self) -> list[str]:
        """What the screen shows now."""
        return list(self._screen.display)

    @property
    def text(self) -> str:
        """What the screen shows now, as one text."""
        return "\n".join(self.lines)

    def press(self, keys: str) -> None:
        """Type something."""
        self.process.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a person does with the mouse."""
        self._screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def until(self, seen: str | Callable[[str], bool]) -> str:
        """Wait until the screen shows a text, or fits; fail with the screen after a minute."""
        fits = (lambda text: seen in text) if isinstance(seen, str) else seen
        deadline = time.monotonic() + PATIENCE
        while not fits(self.text):
            assert time.monotonic() < deadline, f"not seen: {seen}\n{self.text}"
            assert self.read(), f"ended before {seen} was seen:\n{self.text}"
        return self.text

    def read(self) -> bool:
        """Take what was drawn meanwhile; whether there may come more."""
        try:
            chunk = self.process.read_nonblocking(65536, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.sent += chunk
        self._stream.feed(chunk)
        return True

    def end(self) -> int:
        """Wait for the end; return the exit code, negative for a signal."""
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, f"does not end:\n{self.text}"
        self.process.close()
        if self.process.signalstatus is not None:
            return -int(self.process.signalstatus)
        return int(self.process.exitstatus)

    @property
    def restored(self) -> bool:
        """Whether the alternate screen was left and the cursor is shown."""
        switches = (b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")
        return all(self.sent.rfind(off) < self.sent.rfind(on) for off, on in switches)
