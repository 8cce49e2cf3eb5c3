"""Which families of check kinds a lab uses, and whether its checks run commands of the work's."""

from __future__ import annotations

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.family import Family
from scaffolder.checks.registry import list_used_families, find_family
from scaffolder.model import Lab


def list_lab_families(lab: Lab) -> tuple[Family, ...]:
    """Return the families of a lab's check kinds, and those that these rely on."""
    kinds = {spec.kind for task in lab.tasks for spec in task.checks}
    return list_used_families(sorted({find_family(kind).name for kind in kinds}))


def asks_for_sandbox(lab: Lab) -> bool:
    """Whether a check of a lab runs commands in the sandbox."""
    return any(
        SANDBOX in spec.check.requirements(lab.root) for task in lab.tasks for spec in task.checks
    )
