"""Reports whose every word is somebody else's and means harm, for tests of the formats."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.model import (
    CheckResult,
    Evidence,
    Finding,
    Outcome,
    Report,
    TaskResult,
    Verdict,
)

FRAGMENTS = (
    "::set-output name=score::100",
    "::stop-commands::x",
    "\n::error::injected",
    "##[error]injected",
    "%0A::warning::x",
    "\r\n",
    "%",
    ",line=7",
    "|",
    "\\|",
    "`",
    "``````",
    "~~~\n",
    "<script>alert(1)</script>",
    "<!-- ",
    "&lt;",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "[x]: https://evil.example",
    "https://evil.example/x",
    "www.evil.example",
    "@everyone",
    "a@evil.example",
    "octo/cat#1",
    "GH-1",
    ":white_check_mark:",
    "**",
    "_x_",
    "$x$",
    "# head",
    "- item",
    "    code",
    "]]>",
    '"',
    "\x1b[2J",
    "\x00",
    "\u202e",
    "\u2028",
    "\ud800",
    "../../etc/passwd",
    "ä/ö b.py",
)

words = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=5).map(
    "".join
)
some_words = words.filter(str.strip)

_OUTCOMES = (Outcome.FAIL, Outcome.ERROR, Outcome.UNAVAILABLE, Outcome.PASS)


@st.composite
def _reports(draw: Any) -> Report:
    """Draw the words one by one, and by a number where they stand: that is quick to draw."""
    random = Random(draw(st.integers(0, 2**32)))
    pool = [*draw(st.lists(words, min_size=2, max_size=8)), *random.sample(FRAGMENTS, 12)]
    return _Writer(pool, random).report()


class _Writer:
    """Writes reports of a pool of words."""

    def __init__(self, pool: list[str], random: Random) -> None:
        self._pool = pool
        self._random = random

    def report(self) -> Report:
        tasks = tuple(self._task(f"task-{number}") for number in range(self._up_to(1, 5)))
        notes = tuple(self._words() for _ in range(self._up_to(0, 2)))
        return Report("lab", self._words(), self._words(), "/work", tasks, 1.5, notes)

    def _task(self, name: str) -> TaskResult:
        checks = tuple(self._check(f"check-{number}") for number in range(self._up_to(0, 3)))
        outcomes = {check.verdict.outcome for check in checks}
        ended = next((each for each in _OUTCOMES if each in outcomes), Outcome.BLOCKED)
        reason = "" if checks else self._words()
        points = self._up_to(1, 50)
        return TaskResult(name, self._words() or "title", points, ended, checks, reason)

    def _check(self, name: str) -> CheckResult:
        findings = tuple(self._finding() for _ in range(self._up_to(0, 14)))
        log = tuple(self._words() for _ in range(self._up_to(0, 4)))
        evidence = Evidence(self._words(), self._words(), self._words(), log)
        verdict = Verdict(
            self._random.choice(_OUTCOMES),
            self._words(),
            findings,
            self._random.choice((None, evidence)),
            self._words(),
        )
        kind = self._random.choice(("pytest", "pipeline.tests_on"))
        return CheckResult(name, kind, verdict, 0.5)

    def _finding(self) -> Finding:
        level = self._random.choice(("error", "warning", "info"))
        url = self._random.choice((None, self._words(), f"https://rules.example/{self._words()}"))
        path, rule = (self._random.choice((None, self._words())) for _ in range(2))
        line = self._random.choice((None, 1, 10**6))
        return Finding(self._words(), level, path, line, rule, url)

    def _words(self) -> str:
        return self._random.choice(self._pool)

    def _up_to(self, least: int, most: int) -> int:
        return self._random.randint(least, most)


def any_report(test: Callable[[Report], None]) -> Callable[[], None]:
    """Run a test on many reports; how long it takes on a busy machine is no matter."""
    return settings(max_examples=50)(given(_reports())(test))


def report(*results: TaskResult, workspace: str = "/work") -> Report:
    """Return a report of these tasks."""
    return Report("tested", "1", "A lab", workspace, results, 1.0)


def task(name: str, *made: Verdict, points: int = 10, outcome: Outcome | None = None) -> TaskResult:
    """Return a task with a check for each verdict; its outcome is the last one's."""
    results = tuple(
        CheckResult(f"{name}-{number}", "pytest", verdict, 0.1)
        for number, verdict in enumerate(made, 1)
    )
    ended = outcome or made[-1].outcome
    return TaskResult(name, f"The task {name}", points, ended, results)
