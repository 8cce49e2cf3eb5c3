"""The registry: every check kind that lab.yaml may name, spelled out."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from scaffolder.checks.kind import Kind

# Where each kind is. A module loads with the first lab that asks for one of its kinds: to grade a
# Dockerfile nobody should have to wait for Terraform.
_PLACES: Mapping[str, tuple[str, str]] = {
    "dockerfile.lint": ("dockerfile", "Lint"),
    "image.builds": ("image", "Builds"),
    "image.caches": ("image_caches", "Caches"),
    "image.contents": ("image", "ImageContents"),
    "image.metadata": ("image_metadata", "Metadata"),
    "image.secrets": ("image", "Secrets"),
    "container.serves": ("container", "Serves"),
    "container.user": ("container", "User"),
    "container.health": ("container_health", "Health"),
    "container.stops": ("container_stop", "Stops"),
    "container.hardened": ("container", "Hardened"),
    "pipeline.passes": ("pipeline", "Passes"),
    "pipeline.fails": ("pipeline", "Fails"),
    "pipeline.tests_on": ("pipeline_versions", "TestsOn"),
    "pipeline.delivers": ("pipeline_delivery", "Delivers"),
    "workflow.valid": ("workflow", "Valid"),
    "workflow.triggers": ("workflow", "Triggers"),
    "workflow.cached": ("workflow", "Cached"),
    "workflow.secure": ("workflow", "Secure"),
    "terraform.formatted": ("terraform", "Formatted"),
    "terraform.valid": ("terraform", "Valid"),
    "terraform.applies": ("terraform", "Applies"),
    "terraform.variables": ("terraform_variables", "Variables"),
    "terraform.tagged": ("terraform", "Tagged"),
    "terraform.stable": ("terraform", "Stable"),
    "terraform.change": ("terraform_change", "Change"),
    "terraform.follows": ("terraform_change", "Follows"),
    "cloud.buckets": ("cloud", "Buckets"),
    "cloud.access": ("cloud_access", "Access"),
    "cloud.outputs": ("cloud", "Outputs"),
    "cloud.settings": ("cloud", "Settings"),
    "cloud.destroyed": ("cloud", "Destroyed"),
    "pytest": ("pytest_kind", "Pytest"),
}


class _Registry(Mapping[str, type[Kind]]):
    """The kinds by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> type[Kind]:
        module, cls = _PLACES[name]
        kind: type[Kind] = getattr(importlib.import_module(f"scaffolder.checks.{module}"), cls)
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


KINDS: Mapping[str, type[Kind]] = _Registry()
