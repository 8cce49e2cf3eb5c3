"""A program of ours that is told lines and answers with lines, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from scaffolder.tools.processes import kill

# How much of what a program said on standard error is told.
_TOLD = 2000


class LineProcess:
    """A process with pipes to its standard input and output, in a session of its own.

    Ctrl-C at the terminal does not reach it: whoever started it ends it. It is used from one
    thread, but for `end` and `kill`.
    """

    def __init__(self, argv: Sequence[str | os.PathLike[str]]) -> None:
        self._asked = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def tell(self, line: bytes) -> None:
        """Write a line to it; raises OSError where it does not read any more."""
        if self._process.stdin is None:
            raise AssertionError
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def read_lines(self) -> Iterator[bytes]:
        """Yield the whole lines that it writes, until it writes no more."""
        if self._process.stdout is None:
            raise AssertionError
        return (line for line in self._process.stdout if line.endswith(b"\n"))

    def end(self) -> None:
        """Ask it to end, by one SIGTERM however often this is called.

        A second one would cut short how it tidies up.
        """
        if not self._asked:
            self._asked = True
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it, with what it has started."""
        kill(self._process)

    def close(self, seconds: float) -> None:
        """Close its input, wait for its end, and kill it where that takes longer."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def describe_end(self) -> str:
        """Wait for the end of a process that writes no more, and say how it came to it."""
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read()[-_TOLD:].decode(errors="replace").strip().splitlines()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return f"{how}: {said[-1]}" if said else how
