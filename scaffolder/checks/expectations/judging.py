"""Hold one run against what a case expects of it, and say in words what is missing.

Each finding has a rule, so that a hint can answer it: exit-code, stdout, stderr, file, changed;
never-ends, endless-output, endless-files, too-many-processes, too-much-memory, left-behind,
no-signal, cannot-start.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from msgspec import UnsetType

from scaffolder.checks.expectations.cases import OtherExit, RunCase
from scaffolder.checks.expectations.files import FileMiss
from scaffolder.checks.expectations.listings import Look
from scaffolder.checks.expectations.texts import OutputExpectation, ReadFixture, TextMiss
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Evidence, Finding
from scaffolder.tools.command import Limits
from scaffolder.tools.processes import Completed, Ending

_FINDINGS = 8
_LOG = 12
_SIGNALLED = 128


@dataclass(frozen=True)
class RunMiss:
    """Something that is not as expected: the rule that hints name, and what to show of it."""

    rule: str
    words: str
    expected: str
    actual: str
    diff: tuple[str, ...] = ()
    path: str | None = None
    hint: str = ""


_ENDINGS = {
    Ending.TIMED_OUT: (
        "never-ends",
        "did not end within {seconds:.3g} seconds and was stopped",
        "does it wait for input that does not come, or for something that never happens?",
    ),
    Ending.TOO_MUCH_OUTPUT: (
        "endless-output",
        "printed without end and was stopped",
        "which loop never stops?",
    ),
    Ending.TOO_MANY_PROCESSES: (
        "too-many-processes",
        "started more than {processes} processes and was stopped",
        "what starts itself, or starts something for each thing that comes?",
    ),
    Ending.TOO_MUCH_MEMORY: (
        "too-much-memory",
        "took more than {memory:,} MB of memory and was stopped",
        "read line by line what has no bounds",
    ),
    Ending.TOO_MUCH_DISK: (
        "endless-files",
        "wrote more than {disk:,} MB and was stopped",
        "which file never ends? a copy of a folder into itself has no end either",
    ),
}


def require_end(case: RunCase, ran: str, done: Completed, limits: Limits) -> None:
    """Raise CheckFailedError where a run came to no end of its own."""
    if done.ending is Ending.EXITED:
        return
    rule, words, hint = _ENDINGS[done.ending]
    what = words.format(
        seconds=case.seconds,
        processes=limits.processes,
        memory=limits.total_memory_mb,
        disk=limits.disk_mb,
    )
    raise fail_run(
        case, ran, done, [RunMiss(rule, what, "its end", what, hint=hint)], lasting=False
    )


def list_misses(case: RunCase, done: Completed, read_fixture: ReadFixture) -> Iterator[RunMiss]:
    """Yield what is wrong with how a run ended, and with what it printed."""
    if done.left_behind:
        yield RunMiss(
            "left-behind",
            "ended, and something that it started went on",
            "nothing runs after its end",
            "a process that runs on",
            hint="wait for what you start in the background, and end it when you are told to end",
        )
    if not isinstance(case.signal, UnsetType) and not done.signalled:
        when = f"line with {case.signal.at}" if case.signal.at else f"{case.signal.after:g} s"
        yield RunMiss(
            "no-signal",
            f"ended before it could be sent SIG{case.signal.send}",
            f"a program that still runs at that moment ({when})",
            f"its end after {done.seconds:.1f} s",
            hint="what does it print last?",
        )
    yield from _judge_exit(case, done)
    for name, expected, text in (
        ("stdout", case.stdout, done.stdout),
        ("stderr", case.stderr, done.stderr),
    ):
        if isinstance(expected, OutputExpectation):
            for miss in expected.find_misses(text.encode("utf-8", "replace"), read_fixture):
                yield _tell_text(name, _STREAMS[name], miss)


_STREAMS = {"stdout": "its output", "stderr": "its error output"}


def list_file_misses(
    case: RunCase, before: Look, after: Look, read_fixture: ReadFixture
) -> Iterator[RunMiss]:
    """Yield what is wrong with the files after a run, given those before it."""
    for one in case.files:
        for found in one.find_file_misses(after.listing, read_fixture):
            yield _tell_file("file", found)
        for found in one.find_changes(before.digests, after.digests):
            yield _tell_file("changed", found)


def _tell_text(rule: str, subject: str, miss: TextMiss) -> RunMiss:
    return RunMiss(rule, f"{subject} {miss.words}", miss.expected, miss.actual, miss.diff)


def _tell_file(rule: str, found: FileMiss) -> RunMiss:
    path = found.path.partition(": ")[0]
    told = _tell_text(rule, found.path, found.miss)
    return RunMiss(rule, told.words, told.expected, told.actual, told.diff, path)


def read_exit_code(done: Completed) -> int:
    """Return an exit code as a shell tells it: 128 and the number of a signal that ended it."""
    return _SIGNALLED - done.returncode if done.returncode < 0 else done.returncode


def is_expected_exit(expected: Any, code: int) -> bool:
    """Whether an exit code is one of those that a case allows."""
    if isinstance(expected, OtherExit):
        excluded = expected.excluded
        return code not in (excluded if isinstance(excluded, tuple) else (excluded,))
    return code in (expected if isinstance(expected, tuple) else (int(expected),))


def show_exit(expected: Any) -> str:
    if isinstance(expected, OtherExit):
        excluded = expected.excluded
        told = excluded if isinstance(excluded, tuple) else (excluded,)
        return f"any but {' and '.join(map(str, told))}"
    return " or ".join(map(str, expected if isinstance(expected, tuple) else (expected,)))


def _judge_exit(case: RunCase, done: Completed) -> Iterator[RunMiss]:
    code = read_exit_code(done)
    if not is_expected_exit(case.expected_exit, code):
        wanted = show_exit(case.expected_exit)
        yield RunMiss(
            "exit-code",
            f"ended with exit code {code}{_explain_code(code)}, and not with {wanted}",
            f"exit code {wanted}",
            f"exit code {code}",
        )


def _explain_code(code: int) -> str:
    """Return what a shell means by an exit code, where it means a signal."""
    if code <= _SIGNALLED:
        return ""
    try:
        name = signal.Signals(code - _SIGNALLED).name
    except ValueError:
        return ""
    more = ": a file became too large" if name == "SIGXFSZ" else ""
    return f" (as after {name}{more})"


def fail_run(
    case: RunCase, ran: str, done: Completed, misses: list[RunMiss], *, lasting: bool = True
) -> CheckFailedError:
    """Return the failure of a run, with all that is wrong; the first miss is the message."""
    first = misses[0]
    program = "the program" if first.path is None and not first.words.startswith("its") else ""
    words = f"{program} {first.words}".strip()
    label = f"{case.name}: " if case.name else ""
    given = f" and these files: {', '.join(case.given_paths)}" if case.given_paths else ""
    findings = tuple(Finding(f"{label}{one.words}", path=one.path, rule=one.rule) for one in misses)
    return CheckFailedError(
        f"{label}{words}",
        *findings[:_FINDINGS],
        evidence=Evidence(
            ran=ran,
            expected=first.expected,
            actual=first.actual,
            log=first.diff or done.tail(_LOG),
        ),
        hint=first.hint or f"run the same command yourself, with the same input{given}",
        lasting=lasting,
    )
