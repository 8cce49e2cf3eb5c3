"""What the grader does for the fixture `abacus`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scaffolder.checks.serving import FixtureService
from tests.support.toy import abacus


class ToyFixtureService(FixtureService):
    """Adds numbers."""

    @property
    def requests(self) -> Mapping[str, Callable[..., Any]]:
        """The methods that answer, by the names of requests."""
        return {"abacus.add": self.add}

    def add(self, numbers: Sequence[int]) -> int:
        """Return their sum."""
        return abacus.add([str(one) for one in numbers], self.context.run.cancel)
