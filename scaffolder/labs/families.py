"""Which families of check kinds a lab uses."""

from __future__ import annotations

from scaffolder.checks.family import Family
from scaffolder.checks.registry import list_used_families, find_family
from scaffolder.model import Lab


def list_lab_families(lab: Lab) -> tuple[Family, ...]:
    """Return the families of a lab's check kinds, and those that these rely on."""
    kinds = {spec.kind for task in lab.tasks for spec in task.checks}
    return list_used_families(sorted({find_family(kind).name for kind in kinds}))
