"""Which families of check kinds a lab uses."""

from __future__ import annotations

from scaffolder.checks.family import Family
from scaffolder.checks.registry import families_used, family_of
from scaffolder.model import Lab


def families_of(lab: Lab) -> tuple[Family, ...]:
    """Return the families of a lab's check kinds, and those that these rely on."""
    kinds = {spec.kind for task in lab.tasks for spec in task.checks}
    return families_used(sorted({family_of(kind).name for kind in kinds}))
