"""What a check kind is, and what it gets to work with.

A kind is one small frozen class: its fields are the kind's parameters in lab.yaml, its `run`
looks at the learner's work and returns a verdict. Its docstring is its reference page.

What a kind may raise instead of returning: CheckFailedError (the verdict `fail`, from deep
inside), WorkFaultError (`fail`: something in the work that a tool or a parser refuses, among it
UnusableFileError, a file that cannot be read), UnavailableError (`unavailable`: the machine) and
NotShownError (`unavailable`: the work asks for what cannot be run here). Any other exception is the
grader's own fault and becomes `error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec

from scaffolder.model import Evidence, Finding, Verdict, failed
from scaffolder.model.tool import Tool

if TYPE_CHECKING:
    from scaffolder.checks.context import Context

# What a kind reads that may look at any file of the work.
EVERYTHING = ("**",)


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every check kind. Fields are parameters; give each a type and, if it can, a default.

    `faults`, `test_files`, `fixture_files` and `needs_tools` name faults and files of the lab's and
    tools, so that a lab that names an unknown one is refused when it is read.

    `quick` marks kinds that take about a second or less; where somebody waits for each save, they
    go first. `requires` are the resources of the machine without which the check is `unavailable`,
    and the sandbox, which it does better with. `reads_history` marks kinds that look at the
    repository that the work lies in: they alone are handed a copy of it, and what is kept of them
    depends on it.
    """

    quick: ClassVar[bool] = False
    requires: ClassVar[frozenset[Tool]] = frozenset()
    reads_history: ClassVar[bool] = False

    @property
    def reads(self) -> tuple[str, ...]:
        """Patterns, as of fnmatch, of the workspace's files that the verdict can depend on.

        `*` stands for slashes too. A change of any other file leaves the verdict as it is, and the
        check may be handed a copy without them.
        """
        return EVERYTHING

    def requirements(self, lab_root: Path) -> frozenset[Tool]:  # noqa: ARG002
        """Return what this very check requires, in the lab whose folder is `lab_root`."""
        return self.requires

    @classmethod
    def find_value_types(cls) -> Mapping[str, Mapping[str, type[msgspec.Struct]]]:
        """Return the type of each value of parameters that are mappings with known keys.

        By the parameter's name, and its key: for what a kind learns of elsewhere, as of families.
        """
        return {}

    @property
    def builds(self) -> tuple[str, ...]:
        """Paths of the Dockerfiles that the check builds, whose base images must be there.

        On a check that builds, the Docker Engine and the images in it decide too.
        """
        return ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Ids of the lab's faults that this check plants."""
        return ()

    @property
    def test_files(self) -> tuple[str, ...]:
        """Paths of the files in the lab's `tests/` that the check runs."""
        return ()

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """Paths of the files and folders in the lab's `fixtures/` that the check uses."""
        return ()

    @property
    def needs_tools(self) -> tuple[str, ...]:
        """Ids of the tools that the lab's author says the check needs; a field, where they can."""
        return ()

    @property
    def commit_ids(self) -> tuple[str, ...]:
        """Ids of commits in the lab's history.yaml that this check speaks of."""
        return ()

    @property
    def ignore(self) -> tuple[str, ...]:
        """Rules whose findings do not count; a field, where the author can name some."""
        return ()

    def run(self, context: Context) -> Verdict:
        """Look at the work and say what holds."""
        raise NotImplementedError


class CheckFailedError(Exception):
    """The verdict `fail`, raised from deep inside a check instead of returned."""

    def __init__(
        self,
        message: str,
        *findings: Finding,
        evidence: Evidence | None = None,
        hint: str = "",
        lasting: bool = True,
    ) -> None:
        super().__init__(message)
        self.verdict = failed(message, *findings, evidence=evidence, hint=hint, lasting=lasting)
