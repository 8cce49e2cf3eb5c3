"""What is heard from a suite of tests while it runs: each test, its end, and planted tests."""

from __future__ import annotations

import json
import random
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated

import msgspec

from scaffolder.checks.planting.listening import Listener
from scaffolder.checks.planting.quiz import Quiz

_LINE = 8 * 1024 * 1024

# What pytest-rerunfailures calls an end after which a test is run once more.
_TRIED_AGAIN = "rerun"

_Word = Annotated[str, msgspec.Meta(max_length=4096)]


class _Report(msgspec.Struct, tag_field="what", frozen=True, kw_only=True):
    """Something that is told in one line."""


class Began(_Report, tag="began", frozen=True, kw_only=True):
    """Whoever says so first tells of the suite."""


class PlantedTest(_Report, tag="test", frozen=True, kw_only=True):
    """A planted test runs, and is asked what only its code knows."""


class Gathered(_Report, tag="collected", frozen=True, kw_only=True):
    """The tests that there are."""

    count: int
    tests: list[_Word]


class UnreadFile(_Report, tag="unread", frozen=True, kw_only=True):
    """A file of tests that cannot be imported."""

    path: _Word
    message: _Word


class TestEnd(_Report, tag="tested", frozen=True, kw_only=True):
    """How a phase of a test ended, and where; `asserts` says that something did not hold."""

    __test__ = False

    test: _Word
    path: _Word
    outcome: _Word
    type: _Word = ""
    asserts: bool = False
    message: _Word = ""
    line: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it turns the suite red."""
        return self.outcome == "failed"

    @property
    def title(self) -> str:
        """The test as pytest names it, without its folder."""
        return f"{Path(self.test.partition('::')[0]).name}::{self.test.partition('::')[2]}"


class SuiteEnd(_Report, tag="finished", frozen=True, kw_only=True):
    """The suite is through, with pytest's exit code."""

    code: int


AnyReport = Began | PlantedTest | Gathered | UnreadFile | TestEnd | SuiteEnd


@dataclass
class SuiteNotes:
    """All that was said of one run of a suite. `planted` counts planted tests that ran.

    `tests` are the ends of tests by their names: the worst of each test's phases.
    """

    gathered: Gathered | None = None
    tests: dict[str, TestEnd] = field(default_factory=dict)
    unread: list[UnreadFile] = field(default_factory=list)
    end: SuiteEnd | None = None
    planted: int = 0
    rivals: int = 0


class SuiteLine(Listener):
    """Listens to one run of a suite."""

    def __init__(self, folder: Path, quiz: Quiz) -> None:
        super().__init__(folder)
        self._quiz = quiz
        self._has_begun = False
        self.notes = SuiteNotes()

    def answer(self, connection: socket.socket) -> None:
        """Hear a planted test, or the suite to its end."""
        with connection.makefile("rb") as file:
            match self._read(file):
                case PlantedTest():
                    self._ask(connection, file)
                case Began() if self._begin():
                    # Between two tests as much time may pass as the run has.
                    connection.settimeout(None)
                    while (report := self._read(file)) is not None:
                        self._note(report)

    def _read(self, file: IO[bytes]) -> AnyReport | None:
        line = file.readline(_LINE)
        if not line or not self.take(len(line)):
            return None
        # Python's own reader: what tests say need not be text.
        return msgspec.convert(json.loads(line), AnyReport)  # type: ignore[no-any-return]

    def _begin(self) -> bool:
        with self._lock:
            begun, self._has_begun = self._has_begun, True
            self.notes.rivals += begun
        return not begun

    def _ask(self, connection: socket.socket, file: IO[bytes]) -> None:
        number = random.SystemRandom().randrange(1 << 30)
        connection.sendall(b"%d\n" % number)
        if int(file.readline(64)) == self._quiz.answer(number):
            with self._lock:
                self.notes.planted += 1
        connection.sendall(b"\n")

    def _note(self, report: AnyReport) -> None:
        notes = self.notes
        match report:
            case Gathered():
                notes.gathered = report
            case UnreadFile():
                notes.unread.append(report)
            case TestEnd():
                earlier = notes.tests.get(report.test)
                if earlier is None or report.failed or earlier.outcome == _TRIED_AGAIN:
                    notes.tests[report.test] = report
            case SuiteEnd():
                notes.end = report
