"""What a toy family says of itself: the one line of the registry that a new family needs."""

from __future__ import annotations

from scaffolder.checks.family import Family, FixturePlace
from tests.support.toy.tools import ABACUS

FAMILY = Family(
    name="toy",
    package="tests.support.toy",
    kinds={"toy.sums": "kinds:Sums", "toy.counts": "kinds:Counts"},
    tools=(ABACUS,),
    mutators="mutations:MUTATORS",
    fixtures={
        "abacus": FixturePlace(
            requires=frozenset({ABACUS}),
            service="serving_tests:ToyFixtureService",
            plugin="fixtures.plugin:ToyFixtures",
            parameters="serving_tests:AbacusParameters",
        ),
    },
)
