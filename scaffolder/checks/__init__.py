"""The registry: every check kind that lab.yaml may name, spelled out."""

from __future__ import annotations

from collections.abc import Mapping

from scaffolder.checks import workflow
from scaffolder.checks.base import Kind

KINDS: Mapping[str, type[Kind]] = {
    "workflow.valid": workflow.Valid,
    "workflow.triggers": workflow.Triggers,
    "workflow.cached": workflow.Cached,
    "workflow.secure": workflow.Secure,
}
