"""The kinds of the toy family: sums in a file, added up by the abacus."""

from __future__ import annotations

from typing import ClassVar

from scaffolder.checks.context import Context
from scaffolder.checks.kind import Kind
from scaffolder.model import Verdict, failed, passed
from scaffolder.model.tool import Tool
from scaffolder.workspace import read_text
from tests.support.toy import abacus
from tests.support.toy.tools import ABACUS


class ToyKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that look at a file of numbers."""

    requires: ClassVar[frozenset[Tool]] = frozenset({ABACUS})

    path: str = "numbers.txt"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.path,)

    def total(self, context: Context) -> int:
        """Return the sum, which is worked out once for all checks of a run."""
        numbers = read_text(context.run.snapshot, self.path).split()
        return context.run.shared.get(
            ("toy", self.path), lambda: abacus.add(numbers, context.run.cancel)
        )


class Sums(ToyKind, frozen=True, kw_only=True):
    """The numbers of a file add up.

    Parameters:
        path: the file.
        total_wanted: what they add up to.

    Passes: the abacus comes to the total.

    Fails: it comes to another number.

    Example:
        - id: adds-up
          kind: toy.sums
          total_wanted: 6
    """

    total_wanted: int

    def run(self, context: Context) -> Verdict:
        found = self.total(context)
        if found == self.total_wanted:
            return passed(f"{self.path} adds up to {found}")
        return failed(f"{self.path} adds up to {found}, and {self.total_wanted} is asked for")


class Counts(ToyKind, frozen=True, kw_only=True):
    """There are so many numbers in a file.

    Parameters:
        path: the file.
        least: how many there must be.

    Passes: there are as many, or more.

    Fails: there are fewer.

    Example:
        - id: enough
          kind: toy.counts
          least: 2
    """

    least: int

    def run(self, context: Context) -> Verdict:
        count = len(read_text(context.run.snapshot, self.path).split())
        self.total(context)
        return (
            passed(f"{count} numbers") if count >= self.least else failed(f"only {count} numbers")
        )
