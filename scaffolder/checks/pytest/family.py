"""An author's test file, run in a process of its own."""

from __future__ import annotations

from scaffolder.checks.family import Family

FAMILY = Family(
    name="pytest",
    package="scaffolder.checks.pytest",
    kinds={
        "pytest": "kind:Pytest",
    },
)
