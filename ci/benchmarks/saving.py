"""From a save to the verdict on the screen of `devlab watch`, at a real pseudo-terminal."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from measuring import BIN, DEVLAB, Pair, checked_cold, seconds, solved

sys.path.append(str(Path(__file__).parents[2]))

from tests.support.screen import Terminal

TASK = "dockerfile-is-clean"
# Wide and tall enough for a line for each task.
COLUMNS, ROWS = 100, 40
UNCLEAN = "RUN cd /tmp\n"


def watched(folder: Path) -> Iterator[Pair]:
    """A save of the Dockerfile until the lint task's verdict, and hadolint alone on the same file.

    Every save is of a file that no verdict is kept for, and turns the verdict over, so that what is
    seen is new. Before each one everything has been checked, as when a learner has been thinking.
    """
    work = solved("containerize-flask", folder / "containerize-flask")
    checked_cold(work)
    dockerfile = work / "Dockerfile"
    clean = dockerfile.read_text()
    with _watching(work) as screen:
        screen.until(_settled)
        for content, mark in cycle(((clean + UNCLEAN, "✗"), (clean, "✓"))):
            text = f"{content}# {secrets.token_hex(8)}\n"
            ours = _until_seen(screen, lambda text=text: dockerfile.write_text(text), mark)
            screen.until(_settled)
            yield ours, _hadolint(dockerfile)


@contextmanager
def _watching(work: Path) -> Iterator[Terminal]:
    screen = Terminal(str(DEVLAB), "watch", cwd=work, env={}, columns=COLUMNS, rows=ROWS)
    try:
        yield screen
        screen.press("q")
        screen.end()
    finally:
        screen.process.close(force=True)


def _until_seen(screen: Terminal, save: Callable[[], object], mark: str) -> float:
    """Return the seconds from the moment that the file is written until the verdict is seen."""
    save()
    saved = time.perf_counter()
    screen.until(f"{mark} {TASK}")
    return time.perf_counter() - saved


def _settled(text: str) -> bool:
    """Whether every task has its verdict."""
    return "points" in text.splitlines()[0]


def _hadolint(dockerfile: Path) -> float:
    argv = [BIN / "hadolint", "--disable-ignore-pragma", "--format", "json", dockerfile]
    return seconds(lambda: subprocess.run(argv, check=False, capture_output=True))
