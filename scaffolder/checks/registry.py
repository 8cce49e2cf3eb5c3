"""The registry: every check kind that lab.yaml may name, of all families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scaffolder.checks import families
from scaffolder.checks.family import Family
from scaffolder.checks.kind import Kind


class _Registry(Mapping[str, type[Kind]]):
    """The kinds by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> type[Kind]:
        return family_of(name).load_kind(name)

    def __iter__(self) -> Iterator[str]:
        return (name for family in families.FAMILIES for name in family.kinds)

    def __len__(self) -> int:
        return sum(len(family.kinds) for family in families.FAMILIES)


def family_of(kind: str) -> Family:
    """Return the family that has the kind of this name; KeyError where none has."""
    for family in families.FAMILIES:
        if kind in family.kinds:
            return family
    raise KeyError(kind)


KINDS: Mapping[str, type[Kind]] = _Registry()
