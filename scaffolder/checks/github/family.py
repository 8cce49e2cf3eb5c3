"""GitHub Actions: what a workflow says, and a rehearsal of it by act."""

from __future__ import annotations

from scaffolder.checks.common_tools import GIT, SANDBOX, WHEELS
from scaffolder.checks.family import Family, RunnerPlace
from scaffolder.checks.github.tools import ACT, ZIZMOR

# The sandbox keeps the pipeline in.
_REHEARSAL = frozenset({ACT, GIT, WHEELS, SANDBOX})

FAMILY = Family(
    name="github",
    package="scaffolder.checks.github",
    kinds={
        "workflow.valid": "workflow:WorkflowValid",
        "workflow.triggers": "workflow:Triggers",
        "workflow.cached": "workflow:Cached",
        "workflow.secure": "workflow:Secure",
    },
    relies_on=("pipeline",),
    packages=("check_jsonschema",),
    tools=(ACT, GIT, WHEELS, SANDBOX, ZIZMOR),
    mutators="mutations:MUTATORS",
    runners={".github/workflows/*": RunnerPlace("runner:RUNNER", _REHEARSAL)},
)
