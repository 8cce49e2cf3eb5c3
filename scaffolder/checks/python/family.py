"""What is written in Python: suites of tests."""

from __future__ import annotations

from scaffolder.checks.common_tools import SANDBOX, WHEELS
from scaffolder.checks.family import Family

FAMILY = Family(
    name="python",
    package="scaffolder.checks.python",
    kinds={"python.tests": "kind:PythonTests"},
    tools=(WHEELS, SANDBOX),
)
