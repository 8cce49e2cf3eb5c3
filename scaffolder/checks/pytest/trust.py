"""The user's word that code of a lab's pack may run, as far as a lab needs it."""

from __future__ import annotations

from scaffolder.model.readiness import Observation, Status
from scaffolder.model.tool import Demand


def look_for_trust(demand: Demand) -> tuple[Observation, ...]:
    """Name the packs that are not trusted, and how to change that."""
    packs = sorted({lab_id.partition("/")[0] for lab_id in demand.parts})
    return (
        Observation(
            id="trust",
            title="trust",
            status=Status.MISSING,
            message=f"test files of {', '.join(packs)} run only where they are trusted",
            fix=tuple(f"devlab pack trust {pack}" for pack in packs),
        ),
    )
