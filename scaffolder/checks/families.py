"""The families of check kinds: the one list to which a new one is added."""

from __future__ import annotations

from scaffolder.checks.docker.family import FAMILY as DOCKER
from scaffolder.checks.family import Family
from scaffolder.checks.github.family import FAMILY as GITHUB
from scaffolder.checks.pipeline.family import FAMILY as PIPELINE
from scaffolder.checks.pytest.family import FAMILY as PYTEST
from scaffolder.checks.terraform.family import FAMILY as TERRAFORM

FAMILIES: tuple[Family, ...] = (DOCKER, PIPELINE, GITHUB, TERRAFORM, PYTEST)
