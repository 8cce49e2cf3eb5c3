"""The kind `python.tests`: a learner's own suite of tests, judged by what turns it red."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from msgspec import Meta

from scaffolder.checks.common_tools import SANDBOX, WHEELS
from scaffolder.checks.context import Context
from scaffolder.checks.drawing import make_random
from scaffolder.checks.kind import Kind
from scaffolder.checks.python import verdicts
from scaffolder.checks.python.suite import (
    Copy,
    SuiteKey,
    SuiteRun,
    SuiteSession,
)
from scaffolder.checks.session import find_session
from scaffolder.model import Verdict
from scaffolder.model.tool import Tool

_AT_ONCE = 4


class PythonTests(Kind, frozen=True, kw_only=True):
    """The learner's own pytest suite is green on the healthy code, and red on every planted bug.

    Runs `python -m pytest` in the sandbox, on copies of the work, with the packages that its
    `requirements*.txt` name (those of the start name pytest, too) and without a network. The code
    under test is the lab's own in every copy: the files that the faults change are those of the
    start, whatever the learner made of them. In some copies the lab plants one of its faults;
    in some nothing is broken. All of these hold the healthy code and every fault, written otherwise
    (other names, comments, another form), and differ in which of it runs: what a function is said
    to be, by its text or by what is compiled of it, tells nothing, and what it does tells all. They
    are run twice, so that no suite passes that is red by chance. Each copy has one more test, which
    must be seen to run; in one of them it fails, and must turn the suite red.

    Parameters:
        faults: ids of faults in faults.yaml, each of which must turn the suite red.
        tests: the folder of the tests, or a list of folders and files; tests unless given.
        at_least: how many tests must pass on the healthy code; skipped and expected failures do
            not count.
        by_assertion: whether each fault must make an assertion fail, and not only raise an error.
        canaries: how many copies there are in which nothing is broken, besides the healthy code.
        within: seconds that one run of the suite may take.

    Passes: green on the healthy code and on every canary, red on each fault by a test that fails.

    Fails: red on the healthy code (its tests are the findings), red where nothing is broken, green
        on a fault (told by its title), red once and green on the same code the next time, fewer
        tests than asked for, files that cannot be imported, a failing test that does not turn the
        suite red, an end before the suite is through, tests that change the code. With a fault that
        keeps even the lab's own tests from being run it is an error of the lab.

    Rules that hints can name: `unnoticed:FAULT`, `red-when-healthy`, `red-on-harmless-change`,
    `by-chance`, `too-few-tests`, `unreadable`, `ended-early`, `not-all-run`, `failure-ignored`,
    `changes-code`, `too-slow`, `requirements`.

    Example:
        - id: tests-notice
          kind: python.tests
          faults: [wrong-rounding, no-limit]
          at_least: 4
    """

    requires: ClassVar[frozenset[Tool]] = frozenset({SANDBOX, WHEELS})

    faults: Annotated[tuple[str, ...], Meta(min_length=1)]
    tests: str | tuple[str, ...] = "tests"
    at_least: Annotated[int, Meta(ge=1)] = 1
    by_assertion: bool = False
    canaries: Annotated[int, Meta(ge=0, le=10)] = 2
    within: Annotated[float, Meta(gt=0)] = 60

    def __post_init__(self) -> None:
        """Refuse, with ValueError, tests that lie nowhere in the work."""
        for path in self.test_paths or ("",):
            if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise ValueError(f"{path!r} is no path of tests in the work")

    @property
    def test_paths(self) -> tuple[str, ...]:
        """The folders and files of the tests."""
        return (self.tests,) if isinstance(self.tests, str) else self.tests

    def run(self, context: Context) -> Verdict:
        """Run the suite on all copies, side by side, and say what it noticed."""
        verdicts.require_tests(context, self.test_paths)
        session = find_session(context.run, SuiteSession, self._make_key(context))
        context.say("the tests run on the healthy code")
        healthy = session.find_run(context, Copy("healthy"))
        verdicts.require_healthy(context, session, healthy, self.at_least)
        others = [
            Copy("failing"),
            *(Copy("rewritten", str(number)) for number in range(self.canaries)),
            *(Copy("faulty", fault) for fault in self.faults),
        ]
        context.say(f"the tests run on {len(others)} more copies of the code")
        failing, *rest = _find_runs(context, session, others)
        verdicts.require_counted(failing)
        for canary in rest[: self.canaries]:
            if verdict := verdicts.judge_canary(context, session, canary):
                return verdict
        faulty = rest[self.canaries :]
        by_assertion = self.by_assertion
        if verdict := verdicts.judge_faults(context, session, faulty, by_assertion=by_assertion):
            return verdict
        context.say("the tests run on the same copies once more")
        again = [replace(copy, again=True) for copy in others if copy.sort == "faulty"]
        again += [Copy("rewritten", str(at), again=True) for at in range((1 + len(again)) // 2)]
        verdicts.require_same_again(
            context, session, _find_runs(context, session, again), by_assertion=by_assertion
        )
        return verdicts.tell_noticed(context, healthy, faulty)

    def _make_key(self, context: Context) -> SuiteKey:
        """Return what this suite has in common with those of other checks of the run."""
        kinds = [spec.check for spec in context.run.checks if isinstance(spec.check, PythonTests)]
        alike = [one for one in (self, *kinds) if one.test_paths == self.test_paths]
        faults = {name for one in alike for name in one.faults}
        return SuiteKey(self.test_paths, tuple(sorted(faults)), self.within)


def _find_runs(context: Context, session: SuiteSession, copies: list[Copy]) -> list[SuiteRun]:
    """Return how the suite goes on each copy; which begins first is drawn."""
    order = list(range(len(copies)))
    make_random(context.run, "order", context.check_id).shuffle(order)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        begun = {place: pool.submit(session.find_run, context, copies[place]) for place in order}
        return [begun[place].result() for place in range(len(copies))]
