"""What the grader does for the fixture `abacus`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta

from scaffolder.checks.serving import FixtureParameters, FixtureService
from tests.support.toy import abacus


class AbacusParameters(FixtureParameters, frozen=True, kw_only=True):
    """Where the abacus begins."""

    start_at: Annotated[int, Meta(description="What it adds the numbers to.")] = 0


class ToyFixtureService(FixtureService):
    """Adds numbers."""

    parameters: AbacusParameters

    @property
    def requests(self) -> Mapping[str, Callable[..., Any]]:
        """The methods that answer, by the names of requests."""
        return {"abacus.add": self.add}

    def add(self, numbers: Sequence[int]) -> int:
        """Return their sum."""
        every = (self.parameters.start_at, *numbers)
        return abacus.add([str(one) for one in every], self.context.run.cancel)
