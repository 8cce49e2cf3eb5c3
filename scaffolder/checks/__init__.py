"""The registry: every check kind that lab.yaml may name, spelled out."""

from __future__ import annotations

from collections.abc import Mapping

from scaffolder.checks.base import Kind

KINDS: Mapping[str, type[Kind]] = {}
