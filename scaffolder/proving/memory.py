"""What grading an answer came to before, kept by the content of all that decides about it.

An author proves a lab again after each edit, and most answers are as they were. What decides is the
answer's files, what the lab says about grading, the start, the code of the grader, the versions of
the tools, and what commands run in. What is not looked at is what an engine or a registry holds by
now: base images. So the solution is graded anew every time, and `--no-cache` grades everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from scaffolder import workspace
from scaffolder.core import paths
from scaffolder.grading.cache import surroundings
from scaffolder.grading.cache.hashing import hash_lines
from scaffolder.grading.cache.store import Kept
from scaffolder.labs.families import asks_for_sandbox, list_lab_families
from scaffolder.model import Lab, Outcome, Report
from scaffolder.proving.digest import encode_lab
from scaffolder.sandbox import OwnWork, identify_sandbox

# The folders of a lab with test files of its own, and with what checks hand to the work.
OWN_FOLDERS = ("tests", "fixtures")


class Remembered(msgspec.Struct, frozen=True):
    """How grading an answer ended: with a report, or at the first check that failed it.

    `lasting` tells of that first fail whether nothing but the answer had a say in it.
    """

    report: Report | None = None
    failed: tuple[str, ...] = ()
    lasting: bool = True

    @property
    def would_be_again(self) -> bool:
        """Whether grading the same answer anew would end in the same way."""
        if self.report is None:
            return self.lasting
        verdicts = [one.verdict for task in self.report.tasks for one in task.checks]
        ungraded = {Outcome.UNAVAILABLE, Outcome.ERROR}
        return all(one.lasting and one.outcome not in ungraded for one in verdicts)


class Memory:
    """Keeps what grading came to in a folder, or nothing where there is none.

    One that goes `afresh` knows nothing, and keeps what is found anew.
    """

    def __init__(self, folder: Path | None, *, afresh: bool = False) -> None:
        self._kept = None if folder is None else Kept(folder, afresh=afresh)
        if self._kept is not None:
            self._kept.forget_old()

    def recall(self, key: str) -> Remembered | None:
        """Return what is known under `key`; None for nothing, or what is not whole."""
        return None if self._kept is None else self._kept.recall(key, Remembered)

    def keep(self, key: str, seen: Remembered) -> None:
        """Keep what grading came to instead of what was kept, if it would come to it again."""
        if self._kept is None:
            return
        if seen.would_be_again:
            self._kept.keep(key, seen)
        else:
            self._kept.forget(key)


def find_default_folder() -> Path:
    return paths.find_cache_folder() / "proofs"


def make_answer_key(lab_key: str, answer: Mapping[str, str], *, first_fail: bool) -> str:
    """Return the name under which the grading of an answer is known.

    `lab_key` is what `make_lab_key` says, `answer` the fingerprint of the answer's folder;
    `first_fail` whether grading ended at the first fail.
    """
    return hash_lines([lab_key, "first fail" if first_fail else "whole", *_lines(answer)])


def make_lab_key(lab: Lab, start: Mapping[str, str]) -> str:
    """Return a digest of all that decides about answers to a lab, but for the answers.

    `start` is the fingerprint of the lab's start.
    """
    folders = [start, *(workspace.fingerprint_work(lab.root / name) for name in OWN_FOLDERS)]
    ran_in = [identify_sandbox(OwnWork)] if asks_for_sandbox(lab) else []
    lines = [
        surroundings.read_here(list_lab_families(lab)),
        *ran_in,
        encode_lab(lab).decode(),
        *(line for one in folders for line in _lines(one)),
    ]
    return hash_lines(lines)


def _lines(fingerprint: Mapping[str, str]) -> list[str]:
    return [f"{name}\0{told}" for name, told in fingerprint.items()]
