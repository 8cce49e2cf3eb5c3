"""A pytest plugin that tells over a socket what became of each test, as it happens.

It is copied into a folder of its own for each run, under a name that was drawn, with the address
written into it. The learner's code runs in the same process and could say the same things: what
counts is not these words alone (see suite.py). Works with pytest 6 and newer.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

ADDRESS = "@ADDRESS@"
_WORDS = 400
# Messages of a suite are heard only up to a bound: nobody has more tests than that.
_TESTS = 5000


class Reporter:
    """One connection, opened before anything of the learner's is imported."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(ADDRESS)
        self._tell(what="began")

    def _tell(self, **fields: Any) -> None:
        # A child that a test forks is not the suite.
        if os.getpid() == self._pid:
            message = json.dumps(fields).encode() + b"\n"
            with self._lock:
                self._line.sendall(message)

    def pytest_collectreport(self, report: Any) -> None:
        """Tell of a file that cannot be read."""
        if report.failed:
            lines = str(report.longrepr).splitlines()
            said = [line[1:].strip() for line in lines if line[:2] == "E "] or lines
            path = str(report.nodeid).partition("::")[0]
            self._tell(what="unread", path=path, message="".join(said[-1:])[:_WORDS])

    def pytest_collection_finish(self, session: Any) -> None:
        """Tell which tests there are."""
        tests = [item.nodeid[:_WORDS] for item in session.items]
        self._tell(what="collected", count=len(tests), tests=tests[:_TESTS])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """Note on a report what ended its test, and where in the test that was."""
        outcome = yield
        report = outcome.get_result()
        if call.excinfo is not None:
            error = call.excinfo.value
            report.ended_by = {
                "type": type(error).__name__[:_WORDS],
                "asserts": _is_assertion(error),
                "message": str(error)[:_WORDS],
                "line": _find_line(call.excinfo.tb, str(getattr(item, "path", "") or item.fspath)),
            }

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Tell what a phase of a test came to: its setup, the call itself, its teardown."""
        word = report.outcome
        if hasattr(report, "wasxfail"):
            word = "xfailed" if report.skipped else "xpassed"
        if report.when == "call" or word != "passed":
            ended = getattr(report, "ended_by", {}) if report.failed else {}
            self._tell(
                what="tested",
                test=report.nodeid[:_WORDS],
                path=report.nodeid.partition("::")[0][:_WORDS],
                outcome=word,
                **ended,
            )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: Any) -> None:
        """Tell that the suite is through."""
        self._tell(what="finished", code=int(exitstatus))


def _is_assertion(error: BaseException) -> bool:
    """Whether an error, or one of a group of errors, says that something does not hold."""
    inner = getattr(error, "exceptions", ())
    return isinstance(error, (AssertionError, pytest.fail.Exception)) or any(
        _is_assertion(one) for one in inner if isinstance(one, BaseException)
    )


def _find_line(trace: Any, path: str) -> int | None:
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def pytest_configure(config: Any) -> None:
    """Begin to report; where tests run in several processes, in the first one alone."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_REPORTER, "reporter-" + Path(__file__).stem)


_REPORTER = None if os.environ.get("PYTEST_XDIST_WORKER") else Reporter()
