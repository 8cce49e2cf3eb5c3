"""How a program of an action talks to the runner, and which Pythons this machine has."""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from scaffolder.checks.github.standins.programs.line import Line, where


@functools.cache
def settings() -> dict[str, Any]:
    """Return what the rehearsal told its programs: no variable of theirs is left for others."""
    read: dict[str, Any] = json.loads(Path(os.environ.pop("DEVLAB_SETTINGS")).read_text("utf-8"))
    return read


def report(what: str, **more: object) -> dict[str, Any]:
    """Tell whoever watches the rehearsal something, and return the answer."""
    with Line(settings()["line"]) as line:
        return line.ask({"what": what, **where(), **more})


def told(name: str) -> str:
    """Return an input of the action, without blanks around it."""
    return os.environ.get(f"DEVLAB_{name}", "").strip()


def switched(name: str) -> bool:
    """Return an input that is a switch."""
    return told(name).lower() == "true"


def answer(name: str, value: str) -> None:
    """Set an output of the step."""
    _append("GITHUB_OUTPUT", f"{name}={value}")


def export(name: str, value: str) -> None:
    """Set an environment variable for the later steps of the job."""
    _append("GITHUB_ENV", f"{name}={value}")


def add_path(folder: Path) -> None:
    """Put a folder first on PATH for the later steps of the job."""
    _append("GITHUB_PATH", str(folder))


def _append(variable: str, line: str) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def stop(message: str) -> NoReturn:
    """Fail the step as an action does."""
    print(f"::error::{message}", flush=True)  # noqa: T201 -- a step's log
    sys.exit(1)


def lack(what: str) -> NoReturn:
    """Fail the step because this machine, not the learner, is at fault; the grader is told."""
    report("lacking", name=what)
    print(f"devlab has no local equivalent of {what}", file=sys.stderr, flush=True)  # noqa: T201
    stop(f"devlab has no local equivalent of {what}")


def note(message: str) -> None:
    """Write a line into the step's log."""
    print(message, flush=True)  # noqa: T201 -- a step's log


def workspace() -> Path:
    """Return the folder that the repository is checked out to."""
    return Path(os.environ["GITHUB_WORKSPACE"])


def job_folder(name: str) -> Path:
    """Return a folder of this job's own; jobs of one run must not see each other's."""
    folder = workspace().parent / "tools" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pythons() -> dict[int, Path]:
    """Return the interpreters of this machine by their minor version."""
    listed: dict[str, str] = settings()["pythons"]
    return {int(minor): Path(path) for minor, path in listed.items()}


def nearest(minor: int) -> tuple[int, Path]:
    """Return this machine's Python that is nearest to 3.`minor`, the newer one of two."""
    here = pythons()
    chosen = min(here, key=lambda each: (abs(each - minor), -each))
    return chosen, here[chosen]
