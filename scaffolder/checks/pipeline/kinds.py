"""What every kind `pipeline.*` needs to know, and needs of the machine."""

from __future__ import annotations

from pathlib import Path

from scaffolder.checks.kind import Kind
from scaffolder.checks.pipeline.runner import find_family
from scaffolder.model.tool import Tool


class PipelineKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that have a pipeline run. `workflow` is the path of its file."""

    workflow: str = ".github/workflows/ci.yml"

    def __post_init__(self) -> None:
        """Refuse a file that no CI system would run, with ValueError."""
        find_family(self.workflow)

    def requirements(self, lab_root: Path) -> frozenset[Tool]:  # noqa: ARG002
        """Return what running this pipeline requires."""
        family, pattern = find_family(self.workflow)
        return family.runners[pattern].requires

    @property
    def harmless_change(self) -> str:
        """Id of the change in faults.yaml that breaks nothing; "" where the check names none."""
        return ""
