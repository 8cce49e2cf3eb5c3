"""What is measured: each function takes a new folder and returns one pair of seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from scaffolder import catalog, workspace
from scaffolder.checks import base
from scaffolder.generate import build_state
from scaffolder.grading import grade
from scaffolder.model import Outcome
from scaffolder.sandbox import OwnWork
from scaffolder.tools import act
from scaffolder.tools.processes import Completed

BIN = Path(sys.executable).parent


class NotHereError(Exception):
    """This machine lacks what the figure needs."""


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def command(*argv: str | Path, cwd: Path | None = None) -> float:
    """Return how long a command takes that must succeed."""
    quietly = {"capture_output": True, "stdin": subprocess.DEVNULL}
    return seconds(lambda: subprocess.run(argv, cwd=cwd, check=True, **quietly))  # type: ignore[call-overload]


def version(_: Path) -> tuple[float, float]:
    """`devlab --version` and the import of the library that it cannot do without."""
    return command(BIN / "devlab", "--version"), command(sys.executable, "-c", "import click")


def new(folder: Path) -> tuple[float, float]:
    """`devlab new`, with its overlay and its git commit, and cookiecutter alone."""
    folder.mkdir()
    template = catalog.template_root(catalog.load("ci-pipeline"))
    ours = command(BIN / "devlab", "new", "ci-pipeline", "--no-input", cwd=folder)
    other = command(BIN / "cookiecutter", "--no-input", template, cwd=folder)
    return ours, other


def pipeline(folder: Path) -> tuple[float, float]:
    """A check of the solved lab, and its act processes in single file, installing with pip."""
    work = _solved("ci-pipeline", folder)
    refusing = folder.with_name(f"{folder.name}-uv")
    refusing.write_text(f"""#!/bin/sh
[ "$1" = pip ] && exit 1
exec '{find_uv_bin()}' "$@"
""")
    refusing.chmod(0o755)
    # Where uv refuses to install, the stand-in's pip is pip itself: what a person has by hand.
    return _pipeline(work, {"DEVLAB_UV": str(refusing)})


def pipeline_same(folder: Path) -> tuple[float, float]:
    """A check of the solved lab, and the very same act processes in single file."""
    return _pipeline(_solved("ci-pipeline", folder), {})


def _pipeline(work: Path, env: dict[str, str]) -> tuple[float, float]:
    return command(BIN / "devlab", "check", work), _act_in_single_file("ci-pipeline", work, env)


def _act_in_single_file(lab: str, work: Path, env: dict[str, str]) -> float:
    """Return the seconds that the rehearsals' act processes take when each runs alone."""
    taken: list[float] = []
    real = OwnWork.run

    def timed(self: OwnWork, argv: list[str], **options: Any) -> Completed:
        is_act = {os.fspath(act.program()), "--json"} <= {os.fspath(part) for part in argv}
        if is_act:
            options["env"] = {**options["env"], **env}
        done = real(self, argv, **options)
        if is_act:
            taken.append(done.seconds)
        return done

    OwnWork.run = timed  # type: ignore[method-assign, assignment]
    os.environ[base.JOBS] = "1"
    try:
        _require_pass(lab, work)
    finally:
        OwnWork.run = real  # type: ignore[method-assign]
        del os.environ[base.JOBS]
    if not taken:
        raise RuntimeError("no act run was seen: how rehearsals are started has changed")
    return sum(taken)


def _solved(lab: str, folder: Path) -> Path:
    build_state(catalog.load(lab), "solution", {}, folder)
    return folder


def _require_pass(lab: str, work: Path) -> None:
    report = grade(catalog.load(lab), workspace.find(work))
    if report.outcome is not Outcome.PASS:
        raise NotHereError(f"{lab} does not pass on this machine")


def container(folder: Path) -> tuple[float, float]:
    """A check of the solved lab, and a script that makes the same calls and judges nothing."""
    import bare_engine

    work = _solved("containerize-flask", folder)
    done = subprocess.run([BIN / "devlab", "check", work], check=False, capture_output=True)
    if done.returncode != 0:
        raise NotHereError("containerize-flask does not pass on this machine")
    ours = command(BIN / "devlab", "check", work)
    other = command(sys.executable, bare_engine.__file__, work)
    return ours, other
