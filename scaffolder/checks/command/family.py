"""Programs of the work: run in the sandbox, with input and files of the lab's."""

from __future__ import annotations

from scaffolder.checks.family import Family

FAMILY = Family(
    name="command",
    package="scaffolder.checks.command",
    kinds={"command.runs": "kinds:CommandRuns"},
)
