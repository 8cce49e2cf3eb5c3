"""What needs a session with Terraform, its stages, and what each leaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from scaffolder.checks.kind import Kind
from scaffolder.checks.terraform.cloud import Picture
from scaffolder.checks.terraform.family import APPLYING
from scaffolder.checks.terraform.terraform import State, TerraformResult
from scaffolder.model.tool import Tool


class TerraformKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that need more of Terraform than to read a file."""

    requires: ClassVar[frozenset[Tool]] = APPLYING


class TerraformStage(IntEnum):
    """The stages, in the order in which waiting checks are served."""

    PREPARED = 0
    APPLIED = 1
    PLANNED_AGAIN = 2
    CHANGED = 3
    DESTROYED = 4


@dataclass(frozen=True)
class Applied:
    """What an apply left: Terraform's state and what the cloud says."""

    state: State
    picture: Picture
    seconds: float


@dataclass(frozen=True)
class Changed:
    """Before and after another apply with one variable changed, and what Terraform did for it."""

    before: Applied
    after: Applied
    answer: TerraformResult


@dataclass(frozen=True)
class DestroyResult:
    """What is left, in the state and in the cloud, after a destroy."""

    state: State
    picture: Picture
