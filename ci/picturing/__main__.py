"""Make the pictures: run devlab at a terminal, wait until it has said all, draw what it shows."""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci.picturing import cells, svg
from scaffolder.core.errors import UnavailableError
from scaffolder.labs import catalog
from scaffolder.tools import engine
from tests.support.screen import Terminal

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
LAB, STATE = "containerize-flask", "mistake:shell-form-of-cmd"
COLUMNS = 100
PATIENCE = 600.0
PROMPT = "$ "


class SpoiltError(Exception):
    """What was seen is no picture for a README; the message says why."""


class Place:
    """A workspace with a mistake in it, and devlab's own folders beside it, all to be thrown away.

    Nothing of the person who makes the pictures is read or written: no progress, no kept verdict.
    """

    def __init__(self, folder: Path) -> None:
        self.work = folder / LAB
        self.env = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PS1": PROMPT,
            # macOS's own bash would recommend another shell.
            "BASH_SILENCE_DEPRECATION_WARNING": "1",
            **{
                f"XDG_{name}_HOME": str(folder / name.lower())
                for name in ("CACHE", "DATA", "STATE", "CONFIG")
            },
        }
        subprocess.run(
            ["devlab", "lab", "render", LAB, str(self.work), "--state", STATE],
            env={**os.environ, **self.env},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    @contextmanager
    def shell(self, lines: int) -> Iterator[Terminal]:
        """Open a terminal with a shell in the workspace, and hang up in the end."""
        bash = ("bash", "--norc", "--noprofile", "--noediting", "-i")
        opened = Terminal(*bash, cwd=self.work, env=self.env, columns=COLUMNS, rows=lines)
        try:
            wait(opened, at_prompt)
            yield opened
        finally:
            opened.process.close(force=True)


def wait(terminal: Terminal, fits: Callable[[str], bool]) -> None:
    """Wait until what the terminal shows fits; SpoiltError if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not fits(terminal.text):
        if time.monotonic() > deadline or not terminal.read():
            raise SpoiltError(f"what was waited for did not come:\n{terminal.text}")


def shows(*words: str) -> Callable[[str], bool]:
    """Return a test of a screen: all of these are on it."""
    return lambda text: all(word in text for word in words)


def at_prompt(text: str) -> bool:
    """Whether the shell waits for a command."""
    return f"\n{text.rstrip()}".endswith(f"\n{PROMPT.rstrip()}")


def check(place: Place) -> tuple[bytes, int]:
    """`devlab check` as it was typed, and its whole report."""
    lines = 80
    with place.shell(lines) as terminal:
        terminal.press("devlab check\n")
        wait(terminal, lambda text: "points" in text and at_prompt(text))
        return terminal.sent, lines


def watch(place: Place) -> tuple[bytes, int]:
    """`devlab watch` after the first check: the second failure and a hint for it."""
    lines = 37
    with place.shell(lines) as terminal:
        terminal.press("devlab watch\n")
        wait(terminal, shows("waiting for a save", "points"))
        terminal.press("n")
        wait(terminal, shows("container.stops"))
        terminal.press("h")
        # The line of keys is the last that is drawn.
        wait(terminal, shows("hint 1 of", "esc back"))
        sent = terminal.sent
        terminal.press("q")
        wait(terminal, at_prompt)
        return sent, lines


@dataclass(frozen=True)
class Picture:
    """A picture: how it is made, and what it says to those who do not see it."""

    make: Callable[[Place], tuple[bytes, int]]
    title: str
    description: str


PICTURES = {
    "check": Picture(
        check,
        "A terminal: devlab check of a Dockerfile with CMD gunicorn",
        "Two tasks fail: hadolint finds the line, and the container that was sent SIGTERM goes on "
        "running. Each says what was run, expected and happened, and what to do next. "
        "Below: all tasks with their points.",
    ),
    "watch": Picture(
        watch,
        "A terminal: devlab watch of the same workspace",
        "Above: all tasks with their points. Then a hint for the failing task, and its failure in "
        "full. At the bottom: it waits for a save, and the keys.",
    ),
}


def require_whole(shown: str, place: Place) -> None:
    """Raise SpoiltError unless all was graded and nothing tells of the machine or its person."""
    total = sum(task.points for task in catalog.load_lab(LAB).tasks)
    if f"of {total} points" not in shown:
        raise SpoiltError(f"not everything could be graded here:\n{shown}")
    machine = socket.gethostname().split(".")[0]
    for telling in (str(place.work.parent), str(Path.home()), str(FOLDER.parents[1]), machine):
        if re.search(rf"(?<![\w/]){re.escape(telling)}(?!\w)", shown):
            raise SpoiltError(f"it shows {telling}, which is only this machine's:\n{shown}")


def picture(name: str) -> str:
    """Run what a picture shows, and return it as an SVG file."""
    wanted = PICTURES[name]
    with tempfile.TemporaryDirectory(prefix="devlab-picture-") as folder:
        place = Place(Path(folder))
        sent, lines = wanted.make(place)
        rows = cells.rows(sent, COLUMNS, lines)
        # The shell that waits for the next command is no part of it.
        while cells.text(rows[-1]) == PROMPT.rstrip():
            rows.pop()
        require_whole("\n".join(map(cells.text, rows)), place)
    return svg.draw(rows, COLUMNS, wanted.title, wanted.description)


def warn(text: str) -> None:
    print(f"pictures: {text}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/pictures")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the pictures")
    arguments = parser.parse_args()
    names = arguments.names or list(PICTURES)
    if unknown := set(names) - set(PICTURES):
        parser.error(f"no picture {', '.join(sorted(unknown))}; there are: {', '.join(PICTURES)}")
    if arguments.list:
        print("\n".join(PICTURES))
        return 0
    try:
        engine.connect()
        for name in names:
            file = FOLDER / f"{name}.svg"
            file.write_text(picture(name), "utf-8")
            print(f"pictures: {file.relative_to(Path.cwd())}, {file.stat().st_size / 1000:.0f} kB")
            if os.getloadavg()[0] > 2 * (os.cpu_count() or 1):
                warn("this machine is busy: what is drawn took longer than it should")
    except UnavailableError as error:
        warn(f"left alone: {error.message}\n  -> ci/engine")
        return 3
    except SpoiltError as error:
        warn(f"left alone: {error}")
        return 1
    return 0


sys.exit(main())
