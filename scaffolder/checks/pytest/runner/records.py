"""Tells the grader what became of each test, and whose fault a bad end is."""

from __future__ import annotations

import ast
import re
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.pytest.runner.channel import CannotJudgeError, Channel, WorkFailedError
from scaffolder.checks.pytest.runner.witness import Witness
from scaffolder.checks.pytest.runner.words import (
    Cleaner,
    find_assertion,
    is_one_comparison,
    show_condition,
    split_message,
    tell_comparison,
    tell_failure,
)

_LINES = 30
_TEXT_LIMIT = 4000


class RecordPlugin:
    """A pytest plugin that sends one record per test, and at last one that counts them.

    The outcomes: `passed`; `failed` (an assertion, or the learner's work in the grader's words);
    `skipped` (with the test's reason); `broken` (the test's own trouble).
    """

    def __init__(self, channel: Channel, witness: Witness, folder: Path, cleaner: Cleaner) -> None:
        self._channel = channel
        self._witness = witness
        self._folder = folder
        self._cleaner = cleaner
        self._compared: tuple[str, object, object] | None = None
        self._collected: list[str] = []
        self._trouble: dict[str, Any] | None = None
        self._told = 0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that could not be read, or that skips itself."""
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._tell(report.nodeid, {"outcome": "skipped", "message": _reason(reason)})
        elif report.failed:
            self._tell(report.nodeid, {"outcome": "broken", **_uncollected(report)})

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell which tests there are."""
        self._collected = [item.nodeid for item in session.items]
        self._channel.tell("collected", tests=self._collected)

    def pytest_runtest_logstart(self) -> None:
        """Begin a test with nothing seen."""
        self._trouble = self._compared = None
        self._witness.__init__()  # type: ignore[misc]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the first trouble of a test, from whichever of its phases."""
        report = yield
        if self._trouble is None:
            self._trouble = self._judge(report, call.excinfo)
        return report

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell what became of a test."""
        self._tell(nodeid, self._trouble or {"outcome": "passed"})

    @pytest.hookimpl(tryfirst=True)
    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str]:
        """Keep what was compared, and have pytest explain nothing.

        It compares what differs line by line, in a time that grows with the square of its length.
        """
        self._compared = (op, left, right)
        return [op]

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Tell that all is over, and of how much."""
        self._channel.tell("finished", collected=len(self._collected), code=int(exitstatus))

    def _tell(self, test: str, fields: Mapping[str, Any]) -> None:
        self._channel.tell("tested", test=test, **self._readable(_clipped(fields)))

    def _readable(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        told = dict(fields)
        for name in ("message", "hint"):
            if name in told:
                told[name] = self._cleaner.join(told[name])
        for name in ("expected", "actual"):
            if name in told:
                told[name] = self._cleaner.clean(told[name])
        told["log"] = [self._cleaner.clean(line) for line in told.get("log", ())]
        told["findings"] = [
            {**one, "message": self._cleaner.join(one["message"])}
            for one in told.get("findings", ())
        ]
        return told

    def _judge(
        self, report: pytest.TestReport, caught: pytest.ExceptionInfo[BaseException] | None
    ) -> dict[str, Any] | None:
        if hasattr(report, "wasxfail"):
            return {"outcome": "broken", "message": "xfail has no place in a grading test"}
        if report.passed:
            return None
        if caught is None:
            return {"outcome": "broken", "message": report.longreprtext}
        if report.skipped:
            return {"outcome": "skipped", "message": _reason(str(caught.value))}
        return self._blame(report, caught)

    def _blame(
        self, report: pytest.TestReport, caught: pytest.ExceptionInfo[BaseException]
    ) -> dict[str, Any]:
        error = caught.value
        if isinstance(error, CannotJudgeError):
            return {"outcome": "broken", "message": str(error), "raised": error.raised}
        if isinstance(error, AssertionError | pytest.fail.Exception):
            return self._failure(error, find_assertion(caught.tb))
        return self._bug(report, caught)

    def _failure(self, error: BaseException, assertion: ast.Assert | None) -> dict[str, Any]:
        """Return the record of a failed assertion: the author's words, or what does not hold."""
        seen = {"ran": self._witness.ran, "findings": self._witness.findings}
        if isinstance(error, WorkFailedError):
            return {"outcome": "failed", "message": error.message, **seen, **error.details}
        words, explained = split_message(error)
        told = {"outcome": "failed", "log": list(self._last_lines()), **seen}
        if assertion is None:
            return {**told, "message": tell_failure(error)}
        if explained and self._compared and is_one_comparison(assertion):
            compared = tell_comparison(self._cleaner, *self._compared)
            told["expected"], told["actual"] = compared
        return {**told, "message": words, "condition": show_condition(assertion)}

    def _last_lines(self) -> list[str]:
        try:
            return list(self._witness.log())
        except (WorkFailedError, CannotJudgeError):
            return []

    def _bug(
        self, report: pytest.TestReport, caught: pytest.ExceptionInfo[BaseException]
    ) -> dict[str, Any]:
        own = [entry for entry in caught.traceback if self._is_own(Path(entry.path))]
        place = f"{Path(own[-1].path).name}:{own[-1].lineno + 1}: " if own else ""
        return {
            "outcome": "broken",
            "message": f"{place}{caught.typename}: {caught.value}",
            "log": report.longreprtext.splitlines()[-_LINES:],
        }

    def _is_own(self, path: Path) -> bool:
        return path.is_relative_to(self._folder)


def _clipped(value: Any) -> Any:
    """Return a record in which no text is longer than people read, whatever the work printed."""
    if isinstance(value, str):
        return value if len(value) <= _TEXT_LIMIT else f"{value[:_TEXT_LIMIT]}…"
    if isinstance(value, Mapping):
        return {key: _clipped(part) for key, part in value.items()}
    return [_clipped(part) for part in value[-_LINES:]] if isinstance(value, list) else value


def _reason(text: str) -> str:
    return text.removeprefix("Skipped: ") or "no reason given"


def _uncollected(report: pytest.CollectReport) -> dict[str, Any]:
    """Return why a file could not be collected, with the line where pytest names one."""
    log = report.longreprtext.splitlines()
    said = [line[1:].strip() for line in log if line.startswith("E ")] or log[-1:]
    name = re.escape(Path(report.nodeid).name)
    lines = re.findall(rf'{name}(?:", line |:)(\d+)', report.longreprtext)
    place = f"line {lines[-1]}: " if lines else ""
    return {"message": f"{place}{said[-1] if said else 'no reason given'}", "log": log[-_LINES:]}
