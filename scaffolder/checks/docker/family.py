"""Images and containers: built, looked into and run by a Docker Engine."""

from __future__ import annotations

from msgspec.structs import replace

from scaffolder.checks.docker.tools import ENGINE, HADOLINT, IMAGES
from scaffolder.checks.family import Family, FixturePlace

_IMAGE = FixturePlace(
    requires=frozenset({ENGINE, IMAGES}),
    service="serving_tests:DockerFixtureService",
    plugin="fixtures.plugin:DockerFixtures",
    parameters="fixture_parameters:ImageParameters",
)
_CONTAINER = replace(_IMAGE, parameters="fixture_parameters:ContainerParameters")
FAMILY = Family(
    name="docker",
    package="scaffolder.checks.docker",
    kinds={
        "dockerfile.lint": "dockerfile:DockerfileLint",
        "image.builds": "image:Builds",
        "image.caches": "image_caches:Caches",
        "image.contents": "image:ImageContents",
        "image.metadata": "image_metadata:Metadata",
        "image.secrets": "image:Secrets",
        "container.runs": "container_runs:ContainerRuns",
        "container.serves": "container:Serves",
        "container.user": "container:User",
        "container.health": "container_health:Health",
        "container.stops": "container_stop:Stops",
        "container.hardened": "container:Hardened",
    },
    tools=(ENGINE, IMAGES, HADOLINT),
    mutators="mutations:MUTATORS",
    fixtures={"image": _IMAGE, "container": _CONTAINER},
)
