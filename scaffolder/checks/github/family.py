"""GitHub Actions: what a workflow says, and a rehearsal of it by act."""

from __future__ import annotations

from scaffolder.checks.family import Family, RunnerPlace
from scaffolder.model.readiness import Requirement

# The sandbox keeps the pipeline in.
_REHEARSAL = frozenset({Requirement.ACT, Requirement.GIT, Requirement.WHEELS, Requirement.SANDBOX})

FAMILY = Family(
    name="github",
    package="scaffolder.checks.github",
    kinds={
        "workflow.valid": "workflow:Valid",
        "workflow.triggers": "workflow:Triggers",
        "workflow.cached": "workflow:Cached",
        "workflow.secure": "workflow:Secure",
    },
    mutators="mutations:MUTATORS",
    runners={".github/workflows/*": RunnerPlace("runner:RUNNER", _REHEARSAL)},
)
