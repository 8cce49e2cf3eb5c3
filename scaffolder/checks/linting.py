"""What kinds that lint have in common: violations of rules, which of them count, how they are told.

What runs a linter lies in the family of the kind: `docker/hadolint.py`, `lint/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from scaffolder.checks.context import Context
from scaffolder.checks.kind import Kind
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

Level = Literal["error", "warning", "info", "style"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info", "style")

# Who has more than this to mend reads no more of them at once.
_MOST_FINDINGS = 50


@dataclass(frozen=True)
class Violation:
    """A rule that a file breaks, and where; `line` counts from 1, `url` is the rule's page."""

    rule: str
    level: Level
    line: int
    message: str
    url: str = ""
    path: str = ""


@dataclass(frozen=True)
class Linted:
    """What a linter said of some files: `ran` is the command that a person would type."""

    paths: tuple[str, ...]
    violations: Sequence[Violation]
    ran: str


class LintKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that lint. `linter` is the program's name.

    A subclass says what is linted; a linter that knows severities has a field `threshold` as well.
    """

    quick: ClassVar[bool] = True
    linter: ClassVar[str]

    ignore: tuple[str, ...] = ()

    @property
    def threshold(self) -> Level:
        """The lowest level that counts."""
        return "style"

    def lint(self, context: Context) -> Linted:
        """Run the linter; what the work is to blame for is raised as `run` may raise it."""
        raise NotImplementedError

    def run(self, context: Context) -> Verdict:
        linted = self.lint(context)
        counted = [one for one in linted.violations if self._counts(one)]
        if counted:
            return self._fail(linted, counted)
        return passed(
            f"{self.linter} finds nothing in {_name_files(linted.paths)}, with every pragma ignored"
        )

    def _counts(self, violation: Violation) -> bool:
        severe = LEVELS.index(violation.level) <= LEVELS.index(self.threshold)
        return severe and violation.rule not in self.ignore

    def _fail(self, linted: Linted, violations: Sequence[Violation]) -> Verdict:
        number = len(violations)
        told = violations[:_MOST_FINDINGS]
        more = f"; the first {len(told)} are told" if len(told) < number else ""
        least = f" at level {self.threshold} or above" if self.threshold != LEVELS[-1] else ""
        return failed(
            f"{self.linter} finds {number} thing{'s' if number > 1 else ''} in "
            f"{_name_files(tuple(dict.fromkeys(one.path for one in violations)))}{more}",
            *(_make_finding(violation) for violation in told),
            evidence=Evidence(
                ran=linted.ran,
                expected=f"nothing{least}",
                actual=", ".join(dict.fromkeys(violation.rule for violation in violations)),
            ),
            hint="each rule's page says why it is there and how to follow it",
        )


def _name_files(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} files"


def _make_finding(violation: Violation) -> Finding:
    return Finding(
        violation.message,
        level="info" if violation.level == "style" else violation.level,
        path=violation.path,
        line=violation.line,
        rule=violation.rule,
        url=violation.url or None,
    )
