"""An author's test file, run in a process of its own."""

from __future__ import annotations

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.family import Family
from scaffolder.checks.pytest.tools import TRUST

FAMILY = Family(
    name="pytest",
    package="scaffolder.checks.pytest",
    kinds={
        "pytest": "kind:Pytest",
    },
    uses_fixtures=True,
    packages=("pytest",),
    tools=(SANDBOX, TRUST),
)
