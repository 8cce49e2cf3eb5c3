"""What lab.yaml can give the fixtures `image` and `container`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from scaffolder.checks.serving import FixtureParameters


class ImageParameters(FixtureParameters, frozen=True, kw_only=True):
    """Of the image: what it is built from."""

    dockerfile: Annotated[str, Meta(description="The path of the Dockerfile.")] = "Dockerfile"

    @property
    def builds(self) -> tuple[str, ...]:
        """The Dockerfile."""
        return (self.dockerfile,)


class ContainerParameters(ImageParameters, frozen=True, kw_only=True):
    """Of a container: what is run, where it listens and how long it may take to start."""

    port_variable: Annotated[
        str, Meta(description="The environment variable that names the port.")
    ] = "PORT"
    start_within: Annotated[
        float, Meta(description="Seconds that it may take to answer for the first time.")
    ] = 20
