"""What the grader does for the fixture `terraform`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scaffolder.checks.serving import FixtureService
from scaffolder.checks.terraform.fixture_parameters import TerraformParameters
from scaffolder.checks.terraform.session import find_terraform


class TerraformFixtureService(FixtureService):
    """Applies the configuration."""

    parameters: TerraformParameters

    @property
    def requests(self) -> Mapping[str, Callable[..., Any]]:
        """The methods that answer, by the names of requests."""
        return {"terraform": self.read_outputs}

    def read_outputs(self) -> dict[str, Any]:
        """Apply the configuration, or join whoever does, and return its outputs."""
        asked = self.parameters
        shared = find_terraform(self.context, asked.directory, asked.variables)
        return dict(shared.applied(self.context).state.outputs)
