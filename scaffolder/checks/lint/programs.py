"""Run a linter on files that somebody hostile may have written, and say whose trouble it is.

It runs in the sandbox, bounded in time, memory and output: a few thousand brackets can take
gigabytes. Where it does not come to an end, a control says whether it works here at all.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from scaffolder.checks.context import Context, Run
from scaffolder.checks.lint.marks import FindMarks, hide_marks
from scaffolder.checks.linting import Violation
from scaffolder.core.errors import UnavailableError, WorkFaultError
from scaffolder.tools.command import Command, Limits
from scaffolder.tools.processes import Completed, Ending
from scaffolder.tools.versions import format_pip_install

# An honest script takes less than one of them.
_SECONDS = 30.0
_OUTPUT_LIMIT = 64 * 1024 * 1024
_LIMITS = Limits(cpu_seconds=120, memory_mb=4096, total_memory_mb=2048, processes=64)


@dataclass(frozen=True)
class Linter:
    """A linter: its command line without the files, and how what it prints is read.

    `exits` are the codes with which it ends where it worked, whatever it found. `mark` is the word
    by which comments tell it to look away, and `find_marks` where it does. `sample` is a text
    of which it finds something wrong, and `suffix` what the name of such a file ends in.
    `read` raises ValueError or LookupError for an output that is none of its own. `needs_work`
    tells that it looks at other files of the work than those that it is given.
    """

    name: str
    argv: Callable[[], tuple[str, ...]]
    read: Callable[[str], list[Violation]]
    sample: str
    suffix: str
    mark: str
    find_marks: FindMarks
    exits: tuple[int, ...] = (0, 1)
    visible: Callable[[], tuple[Path, ...]] = tuple
    needs_work: bool = True


class LinterTroubleError(Exception):
    """A linter that did not come to an end as it should; the message says how it ended."""


def find_program(name: str, distribution: str) -> str:
    """Return the program that was installed beside devlab; raises UnavailableError without it."""
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    if found is None:
        raise UnavailableError(
            f"{name} is not installed beside devlab", fix=(format_pip_install(distribution),)
        )
    return found


def lint_texts(context: Context, linter: Linter, texts: Mapping[str, str]) -> list[Violation]:
    """Return what a linter says of the texts, in the order of files and lines.

    Raises UnavailableError where it is not installed, WorkFaultError for a text that it does not
    come to an end with though it works here, RuntimeError where it does not.
    """
    bench = _Bench(context, linter, texts)
    paths = tuple(texts)
    try:
        found = bench.lint(paths)
    except LinterTroubleError as trouble:
        _require_working(context, linter)
        if len(paths) == 1:
            raise _blame(linter, paths[0], trouble) from None
        found = [one for path in paths for one in _lint_alone(bench, linter, path)]
    return sorted(found, key=lambda one: (one.path, one.line, one.rule))


def _lint_alone(bench: _Bench, linter: Linter, path: str) -> list[Violation]:
    try:
        return bench.lint((path,))
    except LinterTroubleError as trouble:
        raise _blame(linter, path, trouble) from None


def _blame(linter: Linter, path: str, trouble: LinterTroubleError) -> WorkFaultError:
    return WorkFaultError(
        f"{linter.name} comes to no end with {path}: {trouble}",
        hint="no honest file is too much for it: make it shorter, or nest less in it",
        path=path,
    )


def _require_working(context: Context, linter: Linter) -> None:
    """Raise where the linter finds nothing wrong in its sample: then it does not work here."""

    def attempt() -> None:
        path = f"sample{linter.suffix}"
        try:
            found = _Bench(context, linter, {path: linter.sample}).lint((path,))
        except LinterTroubleError as trouble:
            raise RuntimeError(f"{linter.name} does not work here: {trouble}") from trouble
        if not found:
            raise RuntimeError(f"{linter.name} finds nothing wrong where something is")

    why = context.run.control(("linter", linter.name, linter.argv()), attempt)
    if why is not None:
        raise why


class _Bench:
    """A folder in which the texts lie as a linter is to see them."""

    def __init__(self, context: Context, linter: Linter, texts: Mapping[str, str]) -> None:
        self._context = context
        self._linter = linter
        self._argv = linter.argv()
        self._until = time.monotonic() + context.timeout
        self._marks = hide_marks(texts, linter.find_marks, linter.mark)
        self._folder = _lay_out(context.run, linter, self._marks.texts)

    def lint(self, paths: Sequence[str]) -> list[Violation]:
        """Return what the linter says of some of them; raises LinterTroubleError."""
        seconds = min(_SECONDS, self._until - time.monotonic())
        if seconds <= 0:
            raise LinterTroubleError(f"{self._context.timeout:.0f} seconds are over")
        done = self._context.run.sandbox.run(
            Command(
                # No name can be taken for an option.
                argv=(*self._argv, *(f"./{path}" for path in paths)),
                cwd=self._folder,
                timeout=seconds,
                visible=(Path(self._argv[0]), *self._linter.visible()),
                limits=_LIMITS,
                output_limit=_OUTPUT_LIMIT,
            ),
            self._context.run.cancel,
        )
        return [self._tell(one) for one in self._read(done)]

    def _read(self, done: Completed) -> list[Violation]:
        if done.ending is not Ending.EXITED:
            raise LinterTroubleError(done.ending.value)
        if done.returncode not in self._linter.exits:
            last = " ".join(done.tail(1)) or "it says nothing"
            raise LinterTroubleError(f"it ended with {done.returncode} ({last})")
        try:
            return self._linter.read(done.stdout)
        except (ValueError, LookupError, msgspec.MsgspecError) as error:
            raise LinterTroubleError(f"what it printed is not its own: {error}") from error

    def _tell(self, one: Violation) -> Violation:
        path = os.path.relpath(self._folder / one.path, self._folder)
        return replace(one, path=path, message=self._marks.restore(one.message))


def _lay_out(run: Run, linter: Linter, texts: Mapping[str, str]) -> Path:
    folder = run.copy(linter.name) if linter.needs_work else run.folder(linter.name)
    for path, text in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        # Where a link led to another file of the work, that one stays as it is.
        place.unlink(missing_ok=True)
        place.write_bytes(text.encode())
    return folder
