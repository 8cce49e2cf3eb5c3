"""The registry: every check kind that lab.yaml may name, spelled out."""

from __future__ import annotations

from collections.abc import Mapping

from scaffolder.checks import (
    cloud,
    cloud_access,
    container,
    container_health,
    dockerfile,
    image,
    pipeline,
    pipeline_delivery,
    pytest_kind,
    terraform,
    terraform_change,
    terraform_variables,
    workflow,
)
from scaffolder.checks.base import Kind

KINDS: Mapping[str, type[Kind]] = {
    "dockerfile.lint": dockerfile.Lint,
    "image.builds": image.Builds,
    "image.caches": image.Caches,
    "image.contents": image.ImageContents,
    "image.secrets": image.Secrets,
    "container.serves": container.Serves,
    "container.user": container.User,
    "container.health": container_health.Health,
    "container.stops": container.Stops,
    "container.hardened": container.Hardened,
    "pipeline.passes": pipeline.Passes,
    "pipeline.fails": pipeline.Fails,
    "pipeline.tests_on": pipeline.TestsOn,
    "pipeline.delivers": pipeline_delivery.Delivers,
    "workflow.valid": workflow.Valid,
    "workflow.triggers": workflow.Triggers,
    "workflow.cached": workflow.Cached,
    "workflow.secure": workflow.Secure,
    "terraform.formatted": terraform.Formatted,
    "terraform.valid": terraform.Valid,
    "terraform.applies": terraform.Applies,
    "terraform.variables": terraform_variables.Variables,
    "terraform.tagged": terraform.Tagged,
    "terraform.stable": terraform.Stable,
    "terraform.change": terraform_change.Change,
    "terraform.follows": terraform_change.Follows,
    "cloud.buckets": cloud.Buckets,
    "cloud.access": cloud_access.Access,
    "cloud.outputs": cloud.Outputs,
    "cloud.settings": cloud.Settings,
    "cloud.destroyed": cloud.Destroyed,
    "pytest": pytest_kind.Pytest,
}
