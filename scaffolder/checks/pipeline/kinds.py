"""What every kind `pipeline.*` needs to know, and needs of the machine."""

from __future__ import annotations

from typing import ClassVar

from scaffolder.checks.kind import Kind
from scaffolder.checks.pipeline.runner import find_family
from scaffolder.model.readiness import Requirement


class PipelineKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that rehearse a pipeline. `workflow` is the path of its file."""

    # The sandbox keeps the pipeline in.
    requires: ClassVar[frozenset[Requirement]] = frozenset(
        {Requirement.ACT, Requirement.GIT, Requirement.WHEELS, Requirement.SANDBOX}
    )

    workflow: str = ".github/workflows/ci.yml"

    def __post_init__(self) -> None:
        """Refuse a file that no CI system would run, with ValueError."""
        find_family(self.workflow)

    @property
    def harmless_change(self) -> str:
        """Id of the change in faults.yaml that breaks nothing; "" where the check names none."""
        return ""
