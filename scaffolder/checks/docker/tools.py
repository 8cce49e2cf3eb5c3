"""What images and containers rely on: a Docker Engine, what is in it, and a linter."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

_PARTS = "scaffolder.checks.docker.base_images:list_images"

# It looks for the images too: who has no engine need not hear of each.
ENGINE = Tool(
    id="engine",
    title="Docker Engine",
    version="scaffolder.checks.docker.engine_look:read_version",
    look="scaffolder.checks.docker.engine_look:look_at_engine",
    list_parts=_PARTS,
    fingerprint=Fingerprint(
        programs=("docker", "dockerd"),
        settings=(".docker/config.json",),
        variables=("BUILDKIT_*", "BUILDX_*", "DOCKER_*"),
    ),
)
IMAGES = Tool(
    id="images",
    title="base images",
    fetch="scaffolder.checks.docker.base_images:list_downloads",
    list_parts=_PARTS,
)
HADOLINT = Tool(
    id="hadolint",
    title="hadolint",
    version="scaffolder.checks.docker.hadolint:read_version",
    fingerprint=Fingerprint(programs=("hadolint",)),
)
