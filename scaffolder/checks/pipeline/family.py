"""What a pipeline does with a project: passes, fails by a fault, tests, delivers."""

from __future__ import annotations

from scaffolder.checks.family import Family

FAMILY = Family(
    name="pipeline",
    package="scaffolder.checks.pipeline",
    kinds={
        "pipeline.passes": "gates:Passes",
        "pipeline.fails": "gates:Fails",
        "pipeline.tests_on": "versions:TestsOn",
        "pipeline.delivers": "delivery:Delivers",
    },
)
