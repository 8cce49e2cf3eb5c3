"""What a family of check kinds says of itself: everything that devlab derives from it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scaffolder.model.readiness import Requirement

if TYPE_CHECKING:
    from scaffolder.checks.kind import Kind
    from scaffolder.checks.mutations import Mutators


@dataclass(frozen=True)
class RunnerPlace:
    """Where the runner of some pipelines is, `module:NAME`, and what it requires of the machine."""

    place: str
    requires: frozenset[Requirement]


@dataclass(frozen=True)
class Family:
    """The kinds of one system, with what they rely on.

    `package` is the dotted name of the family's package. `kinds` says, for the name of each kind in
    lab.yaml, where its class is: `module:Class` within the package. `mutators` says where the
    operators are that make wrong answers. `runners` says what runs pipelines, by patterns of
    their paths as of fnmatch. What is named in this way loads when it is asked for: to grade a
    Dockerfile nobody should have to wait for Terraform.
    """

    name: str
    package: str
    kinds: Mapping[str, str]
    mutators: str = ""
    runners: Mapping[str, RunnerPlace] = field(default_factory=dict)

    def load_kind(self, name: str) -> type[Kind]:
        """Return the class of the kind `name`; KeyError where the family has none of this name."""
        kind: type[Kind] = self._load(self.kinds[name])
        return kind

    def load_mutators(self) -> tuple[Mutators, ...]:
        """Return what makes wrong answers of the files that this family's kinds look at."""
        found: tuple[Mutators, ...] = self._load(self.mutators) if self.mutators else ()
        return found

    def load_runner(self, pattern: str) -> Any:
        """Return the `Runner` (see pipeline) of the pipelines of that pattern, one of `runners`."""
        return self._load(self.runners[pattern].place)

    def _load(self, place: str) -> Any:
        module, _, attribute = place.partition(":")
        return getattr(importlib.import_module(f"{self.package}.{module}"), attribute)
