"""How figures are measured: commands in seconds, devlab's checks among them, pair by pair."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path

from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state

BIN = Path(sys.executable).parent
DEVLAB = BIN / "devlab"

# The seconds of devlab and of the other.
Pair = tuple[float, float]
# Yields pairs as long as it is asked to, in the new folder that it is given.
Pairs = Callable[[Path], Iterator[Pair]]


class NotHereError(Exception):
    """This machine lacks what the figure needs."""


def one_by_one(measure: Callable[[Path], Pair]) -> Pairs:
    """Return the pairs of a function that needs a new folder for each."""

    def pairs(folder: Path) -> Iterator[Pair]:
        for number in count():
            yield measure(folder / str(number))

    return pairs


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def command(
    *argv: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> float:
    """Return how long a command takes that must succeed; `env` comes on top of ours."""
    started = time.perf_counter()
    done = subprocess.run(
        argv,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    took = time.perf_counter() - started
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {said}")
    return took


def at_a_terminal(*argv: str | Path, cwd: Path | None = None) -> float:
    """Return how long a command takes that must succeed and that draws for a terminal."""
    ours, theirs = pty.openpty()
    started = time.perf_counter()
    with subprocess.Popen(argv, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        # Where the other end of a pseudo-terminal is closed, Linux answers with an error.
        with suppress(OSError):
            while os.read(ours, 65536):
                pass
    took = time.perf_counter() - started
    os.close(ours)
    if process.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {process.returncode}")
    return took


def import_click() -> float:
    """Return how long Python takes to import the library that devlab cannot do without."""
    return command(sys.executable, "-c", "import click")


def solved(lab: str, folder: Path) -> Path:
    """Write the reference answer of a lab into a new folder."""
    build_state(catalog.load_lab(lab), "solution", {}, folder)
    return folder


def checked_cold(work: Path, *options: str) -> float:
    """Return how long a check takes that relies on no verdict of an earlier one.

    Raises NotHereError where not everything passes: what is not graded takes no time.
    """
    try:
        return command(DEVLAB, "check", "--no-cache", *options, work)
    except RuntimeError as error:
        raise NotHereError(f"{work.name} does not pass here ({_shortly(error)})") from error


def _shortly(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[-1].replace("|", "/")[:200]
