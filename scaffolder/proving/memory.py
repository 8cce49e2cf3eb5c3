"""What grading an answer came to before, kept by the content of all that decides about it.

An author proves a lab again after each edit, and most answers are as they were. What decides is the
answer's files, what the lab says about grading, the start, the code of the grader, and the versions
of the tools. What is not looked at is what an engine or a registry holds by now: base images. So
the solution is graded anew every time, and `--no-cache` grades everything anew.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from scaffolder import generate, places, workspace
from scaffolder.keeping import surroundings
from scaffolder.model import Lab, Outcome, Report
from scaffolder.proving.digest import asked

_DAYS = 14
_SECONDS_A_DAY = 24 * 3600
# The folder of a lab with test files of its own.
TESTS = "tests"


class Remembered(msgspec.Struct, frozen=True):
    """How grading an answer ended: with a report, or at the first check that failed it."""

    report: Report | None = None
    failed: tuple[str, ...] = ()


class Memory:
    """Keeps what grading came to in a folder, or nothing where there is none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _forget_old(folder)

    def recall(self, key: str) -> Remembered | None:
        """Return what is known under `key`; nothing where it cannot be read."""
        if self._folder is None:
            return None
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self._folder / key).read_bytes(), type=Remembered)
        return None

    def keep(self, key: str, seen: Remembered) -> None:
        """Keep what grading came to, unless something could not be graded: that may change."""
        if self._folder is None or not _lasting(seen):
            return
        draft = self._folder / f".{key}.{secrets.token_hex(4)}"
        with contextlib.suppress(OSError):
            draft.write_bytes(msgspec.json.encode(seen))
            draft.replace(self._folder / key)


def _lasting(seen: Remembered) -> bool:
    if seen.report is None:
        return True
    ended = {one.verdict.outcome for task in seen.report.tasks for one in task.checks}
    return not ended & {Outcome.UNAVAILABLE, Outcome.ERROR}


def _forget_old(folder: Path) -> None:
    oldest = time.time() - _DAYS * _SECONDS_A_DAY
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def default_folder() -> Path:
    """Return the folder in which proofs are remembered."""
    return places.cache() / "proofs"


def key(lab_key: str, answer: Mapping[str, str], *, first_fail: bool) -> str:
    """Return the name under which the grading of an answer is known.

    `lab_key` is what `key_of_lab` says, `answer` the fingerprint of the answer's folder;
    `first_fail` whether grading ended at the first fail.
    """
    return surroundings.hashed([lab_key, "first fail" if first_fail else "whole", *_lines(answer)])


def key_of_lab(lab: Lab, scratch: Path) -> str:
    """Return a digest of all that decides about answers to a lab, but for the answers.

    `scratch` is a new folder, in which the start is rendered. Raises DevlabError where it cannot.
    """
    generate.build_state(lab, "start", {}, scratch)
    folders = [workspace.fingerprint(one) for one in (scratch, lab.root / TESTS)]
    lines = [
        surroundings.here(),
        asked(lab).decode(),
        *(line for one in folders for line in _lines(one)),
    ]
    shutil.rmtree(scratch)
    return surroundings.hashed(lines)


def _lines(fingerprint: Mapping[str, str]) -> list[str]:
    return [f"{name}\0{told}" for name, told in fingerprint.items()]
