"""What runs of a suite of tests come to, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.python.reports import TestEnd
from scaffolder.checks.python.suite import SuiteRun, SuiteSession
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Outcome, Verdict, failed, passed
from scaffolder.sandbox import Limits
from scaffolder.tools.processes import DEFAULT_OUTPUT_LIMIT, Ending

_SHOWN = 5
_FEW = "too-few-tests"
_NOT_YOURS = "this is not your fault: tell whoever wrote the lab"
_WORDS = 200
_NO_NETWORK = "tests run without a network, and with an empty home folder: nothing else is there"
_MACHINE_WORDS = frozenset(
    {"ConnectionError", "ConnectionRefusedError", "gaierror", "URLError", "TimeoutError"}
)


def require_tests(context: Context, tests: Sequence[str]) -> None:
    """Raise CheckFailedError where a folder or file of tests is not there."""
    for path in tests:
        if not (context.run.snapshot / path).exists():
            raise CheckFailedError(
                f"{path} is missing, so there are no tests to run",
                Finding("is missing", path=path, rule=_FEW),
            )


def require_healthy(
    context: Context, session: SuiteSession, healthy: SuiteRun, at_least: int
) -> None:
    """Raise CheckFailedError where the suite is not green on the healthy code, or tests too little.

    UnavailableError where it did not come to its end, and the lab's own does not either.
    """
    _require_end(context, session, healthy, "on the healthy code")
    if healthy.notes.unread:
        raise _fail_unread(healthy, "the tests cannot be read")
    if healthy.failures:
        raise _fail_red(healthy, "the tests are red on the healthy code", "red-when-healthy")
    _require_all_run(healthy)
    if healthy.done.returncode:
        raise _fail(
            healthy,
            f"no test failed on the healthy code, and yet pytest ended with exit code"
            f" {healthy.done.returncode}",
            "red-when-healthy",
            "exit code 0",
            hint="what is in addopts, and in conftest.py?",
        )
    if healthy.passes < at_least:
        raise _fail_few(healthy, at_least)


def _require_all_run(healthy: SuiteRun) -> None:
    if not healthy.planted_outcome:
        raise _fail(
            healthy,
            "not all tests are run: one that was added beside them never ran",
            "not-all-run",
            "a test that was added is run with the others",
            hint="does a selection in the configuration or in conftest.py leave tests out?",
        )
    if healthy.planted_outcome != "passed":
        raise _fail(
            healthy,
            f"a test that was added beside the others, and holds, counts as"
            f" {healthy.planted_outcome}",
            "not-all-run",
            "a test that holds passes",
            hint="what does conftest.py do to tests?",
        )


def require_counted(failing: SuiteRun) -> None:
    """Raise CheckFailedError where a test that fails does not turn the suite red."""
    if failing.is_through and failing.planted_outcome == "failed" and failing.done.returncode == 1:
        return
    ignored = failing.planted_outcome or "never run"
    raise _fail(
        failing,
        "a test that fails does not turn the tests red: one that was added is "
        f"{ignored}, and pytest ended with exit code {failing.done.returncode}",
        "failure-ignored",
        "the test fails, and pytest ends with exit code 1",
        hint="what does conftest.py do to the results of tests, or to the exit code?",
    )


def judge_canary(context: Context, session: SuiteSession, canary: SuiteRun) -> Verdict | None:
    """Return what is wrong where nothing is broken and the suite is not green; else None.

    Where the lab's own suite is not, either, something is broken by the lab. Raises as
    `require_healthy` for a suite that comes to no end.
    """
    if canary.is_green:
        return None
    _require_end(context, session, canary, "on a copy in which nothing is broken")
    if session.find_run(context, replace(canary.copy, again=True)).is_green:
        raise _fail_chance(canary, "red, and green")
    if not session.find_run(context, canary.copy, reference=True).is_green:
        return _blame_lab("the lab's own tests are red on code that is only written otherwise")
    return _fail_red(
        canary,
        "the tests are red though nothing is broken: the code does the same, and is written"
        " otherwise",
        "red-on-harmless-change",
        hint="test what the code does when it is called, not how it is written",
    ).verdict


def _blame_lab(message: str) -> Verdict:
    return Verdict(Outcome.ERROR, message, hint=_NOT_YOURS)


def judge_faults(
    context: Context,
    session: SuiteSession,
    runs: Sequence[SuiteRun],
    *,
    by_assertion: bool,
) -> Verdict | None:
    """Return what is wrong where a fault is not noticed, or None.

    A fault that no test of the lab's own answer notices, either, is an error.
    """
    unnoticed = [
        (run, why) for run in runs if (why := _why_unnoticed(run, by_assertion=by_assertion))
    ]
    for run, why in unnoticed:
        if why != _GREEN and _why_unnoticed(
            session.find_run(context, run.copy, reference=True), by_assertion=by_assertion
        ):
            return _blame_lab(
                f"the fault {run.copy.name!r} is noticed by no test of the lab's own answer: {why}"
            )
    return _fail_unnoticed(context, unnoticed, len(runs)) if unnoticed else None


def require_same_again(
    context: Context, session: SuiteSession, runs: Sequence[SuiteRun], *, by_assertion: bool
) -> None:
    """Raise CheckFailedError where runs on the same copies come to another end the second time.

    UnavailableError where they come to none, and the lab's own tests do not either.
    """
    for run in runs:
        if run.copy.sort == "rewritten":
            if not run.is_green:
                _require_end(context, session, run, "on a copy in which nothing is broken")
                raise _fail_chance(run, "green, and red")
        elif _why_unnoticed(run, by_assertion=by_assertion):
            if run.done.ending is not Ending.EXITED:
                _require_end(context, session, run, "on a copy with a fault")
            raise _fail_chance(run, "red, and green")


def _fail_chance(run: SuiteRun, words: str) -> CheckFailedError:
    return _fail(
        run,
        f"the tests are {words} the next time, on the same code",
        "by-chance",
        "the same tests fail each time",
        hint="what do they draw, or which clock or order do they depend on?",
    )


def tell_noticed(context: Context, healthy: SuiteRun, runs: Sequence[SuiteRun]) -> Verdict:
    """Return the verdict on tests that noticed each fault."""
    return passed(
        f"{_count(healthy.passes, 'test')} pass on the healthy code, and "
        f"{'the planted fault turns' if len(runs) == 1 else f'each of {len(runs)} faults turns'}"
        f" them red: {_tell_noticed(context, runs)}"
    )


_GREEN = "all tests pass"


def _why_unnoticed(run: SuiteRun, *, by_assertion: bool) -> str:
    """Return why a fault was not noticed by a test, "" where one was."""
    if run.notes.unread and not run.failures:
        return "with it the tests cannot even be imported"
    if run.done.ending is not Ending.EXITED:
        return f"with it the tests {_tell_ending(run)}"
    if not run.is_through:
        return f"pytest was ended before the tests were through (exit code {run.done.returncode})"
    if not run.failures or run.done.returncode != 1:
        return _GREEN
    if by_assertion and not any(one.asserts for one in run.failures):
        error = run.failures[0].type or "an error"
        return f"a test ends with {error}, and no assertion fails"
    return ""


def _fail_unnoticed(
    context: Context, unnoticed: Sequence[tuple[SuiteRun, str]], count: int
) -> Verdict:
    titles = [context.run.faults[run.copy.name].title for run, _ in unnoticed]
    run, why = unnoticed[0]
    words = (
        f"the tests stay green although a fault was planted: {titles[0]}"
        if why == _GREEN
        else f"no test notices a fault that was planted: {titles[0]}; {why}"
    )
    if len(unnoticed) > 1:
        shown = "; ".join(titles[:_SHOWN]) + ("; ..." if len(titles) > _SHOWN else "")
        words = f"the tests do not notice {len(unnoticed)} of {count} planted faults: {shown}"
    return failed(
        words,
        *(
            Finding(f"{title}: {reason}", rule=f"unnoticed:{one.copy.name}")
            for title, (one, reason) in zip(titles, unnoticed, strict=True)
        ),
        evidence=Evidence(
            ran=run.command, expected="a test that fails", actual=why, log=run.done.tail(5)
        ),
        hint="call what the fault is about with values for which it would show, and assert what"
        " comes back",
        lasting=False,
    )


def _tell_noticed(context: Context, runs: Sequence[SuiteRun]) -> str:
    told = [
        f"{context.run.faults[run.copy.name].title} ({run.failures[0].title})"
        for run in runs[:_SHOWN]
    ]
    return "; ".join(told) + ("; ..." if len(runs) > _SHOWN else "")


def _require_end(context: Context, session: SuiteSession, run: SuiteRun, where: str) -> None:
    """Raise where the suite came to no end of its own, or changed what it tests."""
    if run.done.ending is not Ending.EXITED:
        if trouble := session.find_machine_trouble(context):
            raise UnavailableError(trouble.message, trouble.hint)
        raise _fail(run, f"the tests {_tell_ending(run)} {where}", "too-slow", "their end")
    if run.too_much or run.notes.rivals:
        said = f"say {run.too_much}" if run.too_much else "report results of their own making"
        raise _fail(run, f"the tests {said} {where}", "ended-early", "what pytest says")
    if run.changed:
        raise CheckFailedError(
            f"the tests change the code that they test: {', '.join(run.changed[:_SHOWN])}",
            *(
                Finding("is another one after the tests", path=path, rule="changes-code")
                for path in run.changed[:_SHOWN]
            ),
            evidence=Evidence(ran=run.command, expected="the same code as before"),
            hint="replace things while a test runs with monkeypatch; write into tmp_path",
            lasting=False,
        )
    if not run.is_through and not run.notes.unread:
        raise _fail(
            run,
            f"pytest was ended before the tests were through {where}"
            f" (exit code {run.done.returncode})",
            "ended-early",
            "every test is run to its end",
            hint="nothing may leave the process: no os._exit, no pytest.exit",
        )


def _tell_ending(run: SuiteRun) -> str:
    limits = Limits()
    return {
        Ending.EXITED: "come to an end",
        Ending.TIMED_OUT: "do not come to an end in time",
        Ending.TOO_MUCH_OUTPUT: f"print more than {DEFAULT_OUTPUT_LIMIT // 2**20} MB",
        Ending.TOO_MANY_PROCESSES: f"have more than {limits.processes:,} processes",
        Ending.TOO_MUCH_MEMORY: f"take more than {limits.total_memory_mb:,} MB of memory",
        Ending.TOO_MUCH_DISK: f"write more than {limits.disk_mb:,} MB",
    }[run.done.ending]


def _fail(
    run: SuiteRun, message: str, rule: str, expected: str, *, hint: str = ""
) -> CheckFailedError:
    return CheckFailedError(
        message,
        Finding(message, rule=rule),
        evidence=Evidence(
            ran=run.command,
            expected=expected,
            actual=f"exit code {run.done.returncode}",
            log=run.done.tail(),
        ),
        hint=hint,
        lasting=False,
    )


def _fail_unread(run: SuiteRun, words: str) -> CheckFailedError:
    first = run.notes.unread[0]
    return CheckFailedError(
        f"{words}: {first.path}: {_shorten(first.message)}",
        *(
            Finding(_shorten(one.message), path=_find_path(one.path), rule="unreadable")
            for one in run.notes.unread[:_SHOWN]
        ),
        evidence=Evidence(ran=run.command, expected="tests", log=run.done.tail()),
        lasting=False,
    )


def _fail_red(run: SuiteRun, words: str, rule: str, *, hint: str = "") -> CheckFailedError:
    if not run.failures:
        return _fail(run, words, rule, "every test passes", hint=hint)
    first = run.failures[0]
    if not hint and any(one.type in _MACHINE_WORDS for one in run.failures):
        hint = _NO_NETWORK
    return CheckFailedError(
        f"{words}: {first.title} fails{f': {said}' if (said := _say(first)) else ''}",
        *_list_findings(run.failures, rule),
        evidence=Evidence(
            ran=run.command,
            expected="every test passes",
            actual=f"{len(run.failures)} of {len(run.own_tests)} fail",
            log=run.done.tail(),
        ),
        hint=hint or "run the same command yourself, on the code as it was given",
        lasting=False,
    )


def _fail_few(run: SuiteRun, at_least: int) -> CheckFailedError:
    own = run.own_tests
    left_out = [one for one in own if one.outcome != "passed"]
    count = _count(run.passes, "test")
    words = f"{count} pass, and at least {at_least} are asked for"
    if not own:
        words = "there is no test"
    elif left_out:
        words += f": {len(left_out)} of {len(own)} are skipped or expected to fail"
    return CheckFailedError(
        words,
        *(
            Finding(f"{one.title} is {one.outcome}", path=_find_path(one.path), rule=_FEW)
            for one in left_out[:_SHOWN]
        ),
        *([] if left_out else [Finding(words, rule=_FEW)]),
        evidence=Evidence(ran=run.command, expected=f"{at_least} tests that pass", actual=count),
    )


def _list_findings(tests: Sequence[TestEnd], rule: str) -> Iterator[Finding]:
    for one in tests[:_SHOWN]:
        words = f"{one.title} fails: {_say(one)}".removesuffix(": ")
        yield Finding(words, path=_find_path(one.path), line=one.line, rule=rule)


def _say(test: TestEnd) -> str:
    """Return in one line what ended a test."""
    said = _shorten("".join(test.message.strip().splitlines()[:1]))
    return said if test.asserts else f"{test.type}: {said}".strip(": ")


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WORDS else f"{line[:_WORDS]}…"


def _find_path(path: str) -> str | None:
    """Return the path of a file of tests, None for what is none in the work."""
    inside = bool(path) and not Path(path).is_absolute() and ".." not in Path(path).parts
    return path if inside else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
