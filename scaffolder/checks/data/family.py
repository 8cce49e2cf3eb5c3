"""Data files, held against a schema and against what an author expects of them."""

from __future__ import annotations

from scaffolder.checks.family import Family

FAMILY = Family(
    name="data",
    package="scaffolder.checks.data",
    kinds={"data.holds": "holds:DataHolds"},
)
