"""The families of check kinds: the one list to which a new one is added."""

from __future__ import annotations

from collections.abc import Mapping

from scaffolder.checks.command.family import FAMILY as COMMAND
from scaffolder.checks.data.family import FAMILY as DATA
from scaffolder.checks.docker.family import FAMILY as DOCKER
from scaffolder.checks.family import Family
from scaffolder.checks.git.family import FAMILY as GIT
from scaffolder.checks.github.family import FAMILY as GITHUB
from scaffolder.checks.lint.family import FAMILY as LINT
from scaffolder.checks.pipeline.family import FAMILY as PIPELINE
from scaffolder.checks.pytest.family import FAMILY as PYTEST
from scaffolder.checks.python.family import FAMILY as PYTHON
from scaffolder.checks.terraform.family import FAMILY as TERRAFORM
from scaffolder.model.tool import Tool

FAMILIES: tuple[Family, ...] = (
    *(DOCKER, PIPELINE, GITHUB, TERRAFORM, COMMAND, LINT, DATA, GIT),
    *(PYTHON, PYTEST),
)


def list_tools() -> tuple[Tool, ...]:
    """Return the tools that any family relies on, each once, in the order of the families."""
    return tuple(dict.fromkeys(tool for family in FAMILIES for tool in family.tools))


def find_fixtures() -> Mapping[str, Family]:
    """Return the fixtures that families have for authors' tests, by name, and whose each is."""
    return {name: family for family in FAMILIES for name in family.fixtures}
