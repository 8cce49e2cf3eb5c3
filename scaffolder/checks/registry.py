"""The registry: every check kind that lab.yaml may name, of all families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from scaffolder.checks import families
from scaffolder.checks.family import Family
from scaffolder.checks.kind import Kind


class _Registry(Mapping[str, type[Kind]]):
    """The kinds by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> type[Kind]:
        return find_family(name).load_kind(name)

    def __iter__(self) -> Iterator[str]:
        return (name for family in families.FAMILIES for name in family.kinds)

    def __len__(self) -> int:
        return sum(len(family.kinds) for family in families.FAMILIES)


def find_family(kind: str) -> Family:
    """Return the family that has the kind of this name; KeyError where none has."""
    for family in families.FAMILIES:
        if kind in family.kinds:
            return family
    raise KeyError(kind)


def list_used_families(names: Iterable[str]) -> tuple[Family, ...]:
    """Return the families of these names and those that they rely on, in the one order."""
    known = {family.name: family for family in families.FAMILIES}
    used: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += known[name].relies_on
            # What is said of a pipeline rests on whatever runs it.
            waiting += [one.name for one in known.values() if one.runners and name in one.relies_on]
            if known[name].uses_fixtures:
                waiting += [one.name for one in known.values() if one.fixtures]
    return tuple(family for family in families.FAMILIES if family.name in used)


KINDS: Mapping[str, type[Kind]] = _Registry()
