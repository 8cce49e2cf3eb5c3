"""The lint and HTTP checks of containerize-flask, as devlab's tasks and written for check50.

check50 (https://github.com/cs50/check50) is what CS50 grades with. It is installed from the package
index into an environment of its own and runs on this machine alone: `--dev` takes the problem set
from a folder, and implies `--offline`.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from measuring import BIN, DEVLAB, NotHereError, Pair, checked_cold, command, solved
from uv import find_uv_bin

from scaffolder.tools.engine.building import find_buildkit_cli

REQUIREMENT = "check50==3.5.0"
PROBLEM = Path(__file__).parent / "check50_problem"
ENVIRONMENT = Path(__file__).parents[2] / "build" / "check50"
TASKS = ("dockerfile-is-clean", "answers-from-outside")


def cold(folder: Path) -> Iterator[Pair]:
    """A check of work that was just changed: nothing is known, and the image is built."""
    work = solved("containerize-flask", folder / "containerize-flask")
    while True:
        _touch(work)
        ours = checked_cold(work, *_tasks())
        _touch(work)
        yield ours, _check50(work)


def warm(folder: Path) -> Iterator[Pair]:
    """A check of work that has not changed since the last one."""
    work = solved("containerize-flask", folder / "containerize-flask")
    checked_cold(work, *_tasks())
    while True:
        yield command(DEVLAB, "check", *_tasks(), work), _check50(work)


def _tasks() -> list[str]:
    return [part for task in TASKS for part in ("--task", task)]


def _touch(work: Path) -> None:
    """Change the application, so that nobody's image comes from the cache of a builder."""
    with (work / "app" / "__init__.py").open("a") as file:
        file.write(f"# {os.urandom(8).hex()}\n")


def _check50(work: Path) -> float:
    program = _installed()
    docker = find_buildkit_cli()
    if not docker:
        raise NotHereError("no docker command here can use BuildKit")
    env = {
        # The problem set calls docker and hadolint by their names: the same ones as devlab does.
        "PATH": os.pathsep.join([str(Path(docker).parent), str(BIN), os.environ["PATH"]]),
        "DOCKER_BUILDKIT": "1",
    }
    report = work.parent / "check50.json"
    took = command(
        *(program, "--dev", "--output", "json", "--output-file", report, "--", PROBLEM),
        cwd=work,
        env=env,
    )
    _require_pass(report)
    return took


def _require_pass(report: Path) -> None:
    """Raise RuntimeError unless check50 let everything pass; its exit code does not tell."""
    data = json.loads(report.read_text())
    failed = [result for result in data.get("results", ()) if not result["passed"]]
    if failed or not data.get("results"):
        raise RuntimeError(f"check50 does not pass: {failed or data.get('error')}")


@functools.cache
def _installed() -> Path:
    """Install check50 where it is not yet; raises NotHereError where no index answers."""
    uv = find_uv_bin()
    python = ENVIRONMENT / "bin" / "python"
    try:
        if not python.exists():
            command(uv, "venv", "--python", sys.executable, ENVIRONMENT)
        command(uv, "pip", "install", "--python", python, REQUIREMENT)
    except RuntimeError as error:
        raise NotHereError(f"{REQUIREMENT} cannot be installed") from error
    return ENVIRONMENT / "bin" / "check50"
