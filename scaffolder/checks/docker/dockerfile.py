"""Check kinds that read a Dockerfile: `dockerfile.*`."""

from __future__ import annotations

import glob
from dataclasses import replace
from typing import ClassVar

from scaffolder.checks.context import Context
from scaffolder.checks.docker import hadolint
from scaffolder.checks.docker.rules import read_dockerfile
from scaffolder.checks.docker.tools import HADOLINT
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.linting import Level, Linted, LintKind
from scaffolder.model import Finding
from scaffolder.model.tool import Tool
from scaffolder.tools.dockerfile import parse_instructions


class DockerfileLint(LintKind, frozen=True, kw_only=True):
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

    requires: ClassVar[frozenset[Tool]] = frozenset({HADOLINT})
    linter: ClassVar[str] = "hadolint"

    dockerfile: str = "Dockerfile"
    threshold: Level = "info"

    @property
    def reads(self) -> tuple[str, ...]:
        """The Dockerfile alone."""
        return (glob.escape(self.dockerfile),)

    def lint(self, context: Context) -> Linted:
        run = context.run
        text = read_dockerfile(run, self.dockerfile)
        if not parse_instructions(text):
            raise CheckFailedError(
                f"{self.dockerfile} has no instruction in it",
                Finding("begins no image: there is no FROM", path=self.dockerfile, line=1),
            )
        violations = hadolint.lint(
            text, place=run.folder("hadolint"), env=run.sandbox.environment(), cancel=run.cancel
        )
        return Linted(
            (self.dockerfile,),
            [replace(one, path=self.dockerfile) for one in violations],
            f"hadolint --disable-ignore-pragma {self.dockerfile}",
        )
