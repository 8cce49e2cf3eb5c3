"""One case of `command.runs`: a copy of the work, what it is given, the runs, and what is left."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.command.starting import (
    find_windows_lines,
    require_programs,
    require_startable,
)
from scaffolder.checks.context import Context
from scaffolder.checks.expectations.cases import RunCase, show_command
from scaffolder.checks.expectations.files import list_changes
from scaffolder.checks.expectations.given import (
    GivenFile,
    put_files,
    read_fixture,
    refuse_outside,
)
from scaffolder.checks.expectations.judging import (
    RunMiss,
    fail_run,
    list_file_misses,
    list_misses,
    read_exit_code,
    require_end,
)
from scaffolder.checks.expectations.listings import Look, digest_listing, list_folder
from scaffolder.checks.expectations.texts import FixtureFile
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.planting.planting import change_work, draw_form
from scaffolder.checks.programs import Programs
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.folders import remove_tree
from scaffolder.model import Evidence, Finding
from scaffolder.sandbox import Command, Limits
from scaffolder.tools.processes import Completed
from scaffolder.workspace import resolve_inside

LIMITS = Limits(file_mb=256, disk_mb=1024, processes=256, total_memory_mb=4096)
_MB = 2**20
_SHOWN = 3


@dataclass(frozen=True)
class Program:
    """What is run: the words of a command line, the folder of the work, programs that it needs."""

    words: tuple[str, ...]
    cwd: str
    needs: tuple[str, ...]


class CommandCase(RunCase, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of a program of the work: what it says goes before what the check says for all."""

    given: tuple[GivenFile, ...] | UnsetType = UNSET
    times: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    idempotent: bool | UnsetType = UNSET
    fault: str | UnsetType = UNSET

    @property
    def given_paths(self) -> tuple[str, ...]:
        """The paths of the files that are there before, as the lab says them."""
        given = () if isinstance(self.given, UnsetType) else self.given
        return tuple(dict.fromkeys(one.path for one in given))

    @property
    def rounds(self) -> int:
        """How often the program is run."""
        times = self.times if isinstance(self.times, int) else 1
        return max(times, 2) if self.idempotent is True else times

    def refuse_contradictions(self) -> None:
        """Raise ValueError where what is said cannot be meant."""
        RunCase.refuse_contradictions(self)
        if self.idempotent is True and self.signal is not UNSET:
            raise ValueError("an interrupted run is no second one that could change nothing")
        for one in () if isinstance(self.given, UnsetType) else self.given:
            refuse_outside(one.path)


def run_case(context: Context, program: Program, case: CommandCase) -> str:
    """Run a program as a case says and return in words what was seen.

    Raises CheckFailedError where something is not as expected.
    """
    run = context.run
    work = run.copy("command")
    try:
        if isinstance(case.fault, str) and case.fault:
            change_work(run, draw_form(run, run.faults[case.fault]), work)
        if not isinstance(case.given, UnsetType):
            put_files(case.given, run.lab_root, work)
        return _Attempt(context, program, case, work).run_all()
    finally:
        # What the program wrote may be as much as it was let.
        remove_tree(work)


class _Attempt:
    """A case's runs in one copy of the work."""

    def __init__(self, context: Context, program: Program, case: CommandCase, work: Path) -> None:
        arguments = () if isinstance(case.arguments, UnsetType) else case.arguments
        self._context = context
        self._case = case
        self._work = work
        self._cwd = program.cwd
        self._argv = (*program.words, *arguments)
        shown = ("sh", *self._argv[1:]) if self._argv[0] == "/bin/sh" else self._argv
        self._ran = show_command(shown, case)
        self._programs = Programs(work.parent / "programs", ())
        self._read = functools.partial(read_fixture, context.run.lab_root)
        named = [self._argv[0]] if "/" not in self._argv[0] else []
        require_programs([*program.needs, *named], self._programs.search_path)
        require_startable(work, program.cwd, self._argv, self._programs.search_path)

    def run_all(self) -> str:
        before = after = self._look()
        first: Completed | None = None
        for number in range(1, self._case.rounds + 1):
            earlier = after
            done = self._run_once(last=number == self._case.rounds)
            after = self._look()
            misses = [*list_misses(self._judged(number), done, self._read)]
            if first is not None and self._case.idempotent is True:
                misses += self._compare(number, first, done, earlier, after)
            if number == self._case.rounds:
                misses += list_file_misses(self._case, before, after, self._read)
            if misses:
                raise self._fail(done, misses, number)
            first = first or done
        assert first is not None  # noqa: S101 -- there is one round at least
        return self._tell(done)

    def _judged(self, number: int) -> CommandCase:
        """Return what one run is held against: only the last one gets the signal."""
        if number == self._case.rounds:
            return self._case
        return msgspec.structs.replace(self._case, signal=UNSET)

    def _run_once(self, *, last: bool) -> Completed:
        run = self._context.run
        case = self._case
        self._context.say(self._ran)
        signalled = last and not isinstance(case.signal, UnsetType)
        command = Command(
            argv=self._argv,
            cwd=self._find_folder(),
            timeout=case.seconds,
            env={
                "PATH": self._programs.search_path,
                **({} if isinstance(case.env, UnsetType) else case.env),
            },
            visible=self._programs.visible,
            writable=(self._work,),
            limits=LIMITS,
            stdin=self._read_stdin(),
            interruption=case.signal.make_interruption() if signalled else None,  # type: ignore[union-attr]
            find_left=True,
        )
        with run.slots:
            done = run.sandbox.run(command, run.cancel)
        done = dataclasses.replace(done, argv=self._argv)
        require_end(case, self._ran, done, LIMITS)
        return done

    def _find_folder(self) -> Path:
        folder = resolve_inside(self._work, self._cwd)
        if not folder.is_dir():
            raise UnusableFileError("is no folder, and the program runs in it", self._cwd)
        return folder

    def _read_stdin(self) -> bytes:
        given = self._case.stdin
        if isinstance(given, FixtureFile):
            return self._read(given.file)
        return given.encode() if isinstance(given, str) else b""

    def _look(self) -> Look:
        """Return what lies in the copy now; raises CheckFailedError where that has no bounds."""
        try:
            found = list_folder(self._work)
        except UnusableFileError as error:
            raise self._endless(f"{error.path} {error.message}") from error
        sizes = {path: item.size for path, item in found.items() if not item.link}
        largest = max(sizes, key=sizes.__getitem__, default="")
        if largest and sizes[largest] >= LIMITS.file_mb * _MB:
            raise self._endless(f"{largest} grew to {LIMITS.file_mb} MB, the most that it may have")
        if sum(sizes.values()) > LIMITS.disk_mb * _MB:
            raise self._endless(f"it wrote more than {LIMITS.disk_mb:,} MB")
        compared = self._case.idempotent is True or any(one.unchanged for one in self._case.files)
        return Look(found, digest_listing(found) if compared else {})

    def _endless(self, words: str) -> CheckFailedError:
        return CheckFailedError(
            f"what the program leaves cannot be looked at: {words}",
            Finding(words, rule="endless-files"),
            evidence=Evidence(ran=self._ran, expected="files that end", actual=words),
            hint="which file never ends? a copy of a folder into itself has no end either",
        )

    def _compare(
        self, number: int, first: Completed, done: Completed, earlier: Look, after: Look
    ) -> Iterator[RunMiss]:
        """Yield what one more run did that the first one had done."""
        code, again = read_exit_code(first), read_exit_code(done)
        if code != again:
            words = f"ended with exit code {again} when it was run again, and with {code} at first"
            yield RunMiss("exit-code", words, f"exit code {code} again", f"exit code {again}")
        for path, words in list_changes(earlier.digests, after.digests)[:_SHOWN]:
            told = f"{path} {words} by run {number}, though run {number - 1} had done it all"
            yield RunMiss(
                "changed",
                told,
                "a second run that changes nothing",
                f"{path} {words}",
                path=path,
                hint="look first whether there is anything to do",
            )

    def _fail(self, done: Completed, misses: list[RunMiss], number: int) -> CheckFailedError:
        if path := find_windows_lines(self._work, self._cwd, self._argv):
            hint = (
                f"the lines of {path} end as Windows ends them (CR LF): save it with those of Unix"
            )
            misses = [dataclasses.replace(misses[0], hint=hint), *misses[1:]]
        ran = self._ran if self._case.rounds == 1 else f"{self._ran}   (run {number})"
        return fail_run(self._case, ran, done, misses)

    def _tell(self, done: Completed) -> str:
        label = f"{self._case.name}: " if self._case.name else ""
        times = f" {self._case.rounds} times" if self._case.rounds > 1 else ""
        return f"{label}{self._argv[0]} ran{times} and ended with exit code {read_exit_code(done)}"
