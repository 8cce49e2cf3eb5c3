"""Check kinds that read a Dockerfile: `dockerfile.*`."""

from __future__ import annotations

import glob
from typing import ClassVar, Literal

from scaffolder.checks.context import Context
from scaffolder.checks.docker import hadolint
from scaffolder.checks.docker.hadolint import LEVELS, Level, Violation
from scaffolder.checks.docker.images import ImageKind
from scaffolder.checks.docker.rules import read_dockerfile
from scaffolder.checks.docker.tools import HADOLINT
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.model.tool import Tool
from scaffolder.tools.dockerfile import parse_instructions


class Lint(ImageKind, frozen=True, kw_only=True):
    """The Dockerfile follows the rules of hadolint.

    Runs hadolint on a copy of the file. Comments in it that would silence the linter are emptied
    first, and no configuration file of the learner's is read: the task is to mend what it finds.

    Parameters:
        dockerfile: the file to look at.
        threshold: the lowest level that counts: error, warning, info or style.
        ignore: rules that do not count here, e.g. those that depend on taste.

    Passes: hadolint reports nothing at or above the threshold.

    Fails: it reports something; the file is missing, a link that leads outside, no text, or has
    no instruction at all.

    Example:
        - id: dockerfile-is-clean
          kind: dockerfile.lint
          ignore: [DL3008]
    """

    quick: ClassVar[bool] = True
    requires: ClassVar[frozenset[Tool]] = frozenset({HADOLINT})

    threshold: Level = "info"
    ignore: tuple[str, ...] = ()

    @property
    def builds(self) -> tuple[str, ...]:
        """None: the Dockerfile is only read."""
        return ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The Dockerfile alone."""
        return (glob.escape(self.dockerfile),)

    def run(self, context: Context) -> Verdict:
        run = context.run
        text = read_dockerfile(run, self.dockerfile)
        if not parse_instructions(text):
            return failed(
                f"{self.dockerfile} has no instruction in it",
                Finding("begins no image: there is no FROM", path=self.dockerfile, line=1),
            )
        violations = [
            violation
            for violation in hadolint.lint(
                text,
                place=run.folder("hadolint"),
                env=run.sandbox.environment(),
                cancel=run.cancel,
            )
            if self._counts(violation)
        ]
        if violations:
            return self._verdict(violations)
        return passed(f"hadolint finds nothing in {self.dockerfile}, with every pragma ignored")

    def _counts(self, violation: Violation) -> bool:
        severe = LEVELS.index(violation.level) <= LEVELS.index(self.threshold)
        return severe and violation.rule not in self.ignore

    def _verdict(self, violations: list[Violation]) -> Verdict:
        number = len(violations)
        return failed(
            f"hadolint finds {number} thing{'s' if number > 1 else ''} in {self.dockerfile}",
            *(self._finding(violation) for violation in violations),
            evidence=Evidence(
                ran=f"hadolint --disable-ignore-pragma {self.dockerfile}",
                expected=f"nothing at level {self.threshold} or above",
                actual=", ".join(dict.fromkeys(violation.rule for violation in violations)),
            ),
            hint="each rule's page says why it is there and how to follow it",
        )

    def _finding(self, violation: Violation) -> Finding:
        level: Literal["error", "warning", "info"] = (
            "info" if violation.level == "style" else violation.level
        )
        return Finding(
            violation.message,
            level=level,
            path=self.dockerfile,
            line=violation.line,
            rule=violation.rule,
            url=violation.url,
        )
