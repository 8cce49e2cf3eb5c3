"""What a family of check kinds says of itself: everything that devlab derives from it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from scaffolder.core.loading import load_place
from scaffolder.model.tool import Tool

if TYPE_CHECKING:
    from scaffolder.checks.kind import Kind
    from scaffolder.checks.mutations import Mutators
    from scaffolder.checks.serving import FixtureParameters, FixtureService

# What a fixture takes that declares no parameters.
_NO_PARAMETERS = "scaffolder.checks.serving:FixtureParameters"


class RunnerPlace(msgspec.Struct, frozen=True):
    """Where the runner of some pipelines is, `module:NAME`, and what it requires of the machine."""

    place: str
    requires: frozenset[Tool]


class FixturePlace(msgspec.Struct, frozen=True):
    """Where the two sides of a fixture for authors' tests are, and what it requires of the machine.

    All are `module:Class`. `service`, the grader's side, is a FixtureService (see serving); it
    answers the requests whose names begin with the fixture's. `plugin`, the tester's side, is a
    pytest plugin, made of a Channel and a Witness (see pytest/runner) in the tester's process. It
    lies in the family's folder `fixtures`, which imports nothing of ours but itself and the runner.
    `parameters` are the FixtureParameters that lab.yaml can give the service, if there are any.
    """

    requires: frozenset[Tool]
    service: str
    plugin: str
    parameters: str = ""


# Compared by identity: a family is declared once.
class Family(msgspec.Struct, frozen=True, eq=False):
    """The kinds of one system, with what they rely on.

    `package` is the dotted name of the family's package. `kinds` says, for the name of each kind
    in lab.yaml, where its class is: `module:Class` within the package. `tools` are what its kinds
    need of the machine, `relies_on` the names of other families whose code and tools they use;
    one that `uses_fixtures` relies on every family that has some.
    `packages` are Python packages of others that no other code of devlab's may import.
    `mutators` says where the operators are that make wrong answers, `runners` what runs pipelines,
    by patterns of their paths as of fnmatch, `fixtures` what serves authors' tests, by the names
    that these ask for. What is named in this way loads when it is asked for: to grade a Dockerfile
    nobody should have to wait for Terraform.
    """

    name: str
    package: str
    kinds: Mapping[str, str]
    tools: tuple[Tool, ...] = ()
    relies_on: tuple[str, ...] = ()
    uses_fixtures: bool = False
    packages: tuple[str, ...] = ()
    mutators: str = ""
    runners: Mapping[str, RunnerPlace] = msgspec.field(default_factory=dict)
    fixtures: Mapping[str, FixturePlace] = msgspec.field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The folder of the family's package, in which all of its code is."""
        folder: str = importlib.import_module(self.package).__path__[0]
        return folder

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

    def load_service(self, fixture: str) -> type[FixtureService]:
        """Return the grader's side of a fixture, one of `fixtures`."""
        service: type[FixtureService] = self._load(self.fixtures[fixture].service)
        return service

    def load_parameters(self, fixture: str) -> type[FixtureParameters]:
        """Return what lab.yaml can give a fixture, one of `fixtures`."""
        place = self.fixtures[fixture].parameters
        parameters: type[FixtureParameters] = (
            self._load(place) if place else load_place(_NO_PARAMETERS)
        )
        return parameters

    def name_plugin(self, fixture: str) -> str:
        """Return where the tester's side of a fixture is: `package.module:Class`."""
        return f"{self.package}.{self.fixtures[fixture].plugin}"

    def _load(self, place: str) -> Any:
        return load_place(f"{self.package}.{place}")
