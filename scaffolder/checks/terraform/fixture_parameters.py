"""What lab.yaml can give the fixture `terraform`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from scaffolder.checks.serving import FixtureParameters


class TerraformParameters(FixtureParameters, frozen=True, kw_only=True):
    """What is applied: a configuration, with values of its variables."""

    directory: Annotated[str, Meta(description="The folder of the configuration.")] = "infra"
    variables: Annotated[
        Mapping[str, Any], Meta(description="Values of its variables, by name.")
    ] = {}
