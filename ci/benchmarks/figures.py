"""What is measured beside the chains: commands, slots, and checks of ci-pipeline by hand."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from measuring import (
    BIN,
    DEVLAB,
    NotHereError,
    Pair,
    at_a_terminal,
    checked_cold,
    command,
    import_click,
    seconds,
    solved,
)
from uv import find_uv_bin

from scaffolder import workspace
from scaffolder.checks.github import act
from scaffolder.core import settings
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.model import Outcome
from scaffolder.sandbox import Command, OwnWork
from scaffolder.tools.processes import CancelToken, Completed
from scaffolder.tools.slots import Slots

SLOTS_TAKEN = 10_000


def version(_: Path) -> Pair:
    """`devlab --version` and the import of the library that it cannot do without."""
    return command(DEVLAB, "--version"), import_click()


def new(folder: Path) -> Pair:
    """`devlab new`, with its overlay and its git commit, and cookiecutter alone."""
    folder.mkdir()
    template = catalog.find_template(catalog.load_lab("ci-pipeline"))
    ours = command(DEVLAB, "new", "ci-pipeline", "--no-input", cwd=folder)
    other = command(BIN / "cookiecutter", "--no-input", template, cwd=folder)
    return ours, other


def warm(lab: str, folder: Path) -> Iterator[Pair]:
    """A check of a workspace that has not changed since it was checked, printed to a pipe."""
    work = solved(lab, folder / lab)
    checked_cold(work)
    while True:
        yield command(DEVLAB, "check", work), import_click()


def warm_drawn(lab: str, folder: Path) -> Iterator[Pair]:
    """The same, drawn at a terminal."""
    work = solved(lab, folder / lab)
    checked_cold(work)
    while True:
        yield at_a_terminal(DEVLAB, "check", work), import_click()


def slot(folder: Path) -> Pair:
    """A slot that nobody else wants, and the files that a slot cannot do without: it, the queue."""
    folder.mkdir()
    slots = Slots(folder / "slots", os.cpu_count() or 1, CancelToken())
    files = [folder / name for name in ("queue", "0")]
    return seconds(lambda: _take_slots(slots)), seconds(lambda: _lock_files(files))


def _take_slots(slots: Slots) -> None:
    for _ in range(SLOTS_TAKEN):
        with slots:
            pass


def _lock_files(files: list[Path]) -> None:
    for _ in range(SLOTS_TAKEN):
        for path in files:
            file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            os.close(file)


def pipeline(folder: Path) -> Pair:
    """A check of the solved lab, and its act processes in single file, installing with pip."""
    work = solved("ci-pipeline", folder / "ci-pipeline")
    refusing = folder / "uv"
    refusing.write_text(f"""#!/bin/sh
[ "$1" = pip ] && exit 1
exec '{find_uv_bin()}' "$@"
""")
    refusing.chmod(0o755)
    # Where uv refuses to install, the stand-in's pip is pip itself: what a person has by hand.
    return _pipeline(work, {"DEVLAB_UV": str(refusing)})


def pipeline_same(folder: Path) -> Pair:
    """A check of the solved lab, and the very same act processes in single file."""
    return _pipeline(solved("ci-pipeline", folder / "ci-pipeline"), {})


def _pipeline(work: Path, env: dict[str, str]) -> Pair:
    return checked_cold(work), _act_in_single_file("ci-pipeline", work, env)


@dataclass(frozen=True)
class _TimedWork(OwnWork):
    """The sandbox of one's own work; act runs in it with `env` on top, and its seconds are kept."""

    env: Mapping[str, str] = field(kw_only=True)
    taken: list[float] = field(kw_only=True)

    def run(self, command: Command, cancel: CancelToken) -> Completed:
        if not _is_act(command):
            return super().run(command, cancel)
        done = super().run(replace(command, env={**command.env, **self.env}), cancel)
        self.taken.append(done.seconds)
        return done


def _is_act(command: Command) -> bool:
    """Whether a command runs act on a workflow: a copy of it, into which no step can look."""
    return Path(command.argv[0]).name == act.find_program().name and "--json" in command.argv


def _act_in_single_file(lab: str, work: Path, env: dict[str, str]) -> float:
    """Return the seconds that the rehearsals' act processes take when each runs alone."""
    taken: list[float] = []
    os.environ[settings.JOBS] = "1"
    try:
        report = grade(
            catalog.load_lab(lab),
            workspace.find_workspace(work),
            make_sandbox=partial(_TimedWork, env=env, taken=taken),
        )
    finally:
        del os.environ[settings.JOBS]
    if report.outcome is not Outcome.PASS:
        raise NotHereError(f"{lab} does not pass on this machine")
    if not taken:
        raise RuntimeError("no act run was seen: how rehearsals are started has changed")
    return sum(taken)
