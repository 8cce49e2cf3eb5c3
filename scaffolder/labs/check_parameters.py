"""The parameters of a check, as values of the types that its kind declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaffolder.checks.kind import Kind
    from scaffolder.core.yaml_source import Position
    from scaffolder.labs.lab_file import LabSource


def read_parameters(
    source: LabSource, given: Mapping[str, Any], kind: type[Kind], position: Position
) -> Kind:
    """Return a check of a kind; raises LabFileError for what is wrong in its parameters.

    `given` stands at `position` in the file.
    """
    for name, types in kind.find_value_types().items():
        place = (*position, name)
        # One by one, as msgspec does not tell which of a mapping's values is wrong.
        for key, value in source.convert(given.get(name) or {}, dict[str, Any], *place).items():
            if key not in types:
                raise source.unknown("key", key, types, *place, key)
            source.convert(value, types[key], *place, key)
    return source.convert(given, kind, *position)
