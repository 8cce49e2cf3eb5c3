"""GitHub Actions: what a workflow says, and a rehearsal of it by act."""

from __future__ import annotations

from scaffolder.checks.family import Family

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
    runners={".github/workflows/*": "runner:RUNNER"},
)
