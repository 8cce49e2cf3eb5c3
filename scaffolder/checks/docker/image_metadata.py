"""The kind `image.metadata`: what an image says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scaffolder.checks.context import Context
from scaffolder.checks.docker.images import ImageKind, build_work_image
from scaffolder.checks.docker.rules import read_dockerfile
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

_LABELS = "https://docs.docker.com/reference/dockerfile/#label"
_EXPOSE = "https://docs.docker.com/reference/dockerfile/#expose"


class Metadata(ImageKind, frozen=True, kw_only=True):
    """The image says what it is: the labels and the ports that registries and operators read.

    Builds the image and asks the engine for its configuration, whatever instruction, argument or
    base image it comes from.

    Parameters:
        labels: labels that the image must have, and the value of each.
        exposes: the TCP port that the image must expose, as a number; none unless given.
        dockerfile: the file to build from.

    Passes: each label has its value, and the port is exposed. More labels and ports are no matter.

    Fails: a label is missing or has another value, or the port is not exposed.

    Example:
        - id: image-says-what-it-is
          kind: image.metadata
          labels: {org.opencontainers.image.title: parcel-tracker}
          exposes: 8000
    """

    labels: Mapping[str, str] = {}
    exposes: int | None = None

    def run(self, context: Context) -> Verdict:
        """Build the image, or join whoever does, and read its configuration."""
        read_dockerfile(context.run, self.dockerfile)
        config = build_work_image(context, self.dockerfile).image.config
        has = config.get("Labels") or {}
        ports = sorted(config.get("ExposedPorts") or {})
        found = [*self._labels(has), *self._ports(ports)]
        asked = [f"{name}={value}" for name, value in self.labels.items()]
        asked += [f"port {self.exposes}"] if self.exposes is not None else []
        if not found:
            return passed(f"the image says: {', '.join(asked)}")
        return failed(
            "; ".join(one.message for one in found),
            *found,
            evidence=Evidence(
                ran="docker image inspect --format '{{json .Config}}' IMAGE",
                expected=", ".join(asked),
                actual=f"labels {dict(has)}, ports {', '.join(ports) or 'none'}",
            ),
            hint="say it in the last stage of the Dockerfile, with LABEL and EXPOSE",
        )

    def _labels(self, has: Mapping[str, str]) -> Iterator[Finding]:
        for name, value in self.labels.items():
            if has.get(name) != value:
                said = f"is {has[name]!r}" if name in has else "is missing"
                message = f"the label {name} {said}, and {value!r} is asked for"
                yield Finding(message, path=self.dockerfile, url=_LABELS)

    def _ports(self, ports: list[str]) -> Iterator[Finding]:
        if self.exposes is not None and f"{self.exposes}/tcp" not in ports:
            said = f"port {', '.join(ports)}" if ports else "no port"
            message = f"the image exposes {said}, and {self.exposes} is asked for"
            yield Finding(message, path=self.dockerfile, url=_EXPOSE)
