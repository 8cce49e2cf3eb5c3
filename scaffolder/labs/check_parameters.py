"""The parameters of a check, as values of the types that its kind declares."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

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
    for name, value_type in _find_mapped_types(kind):
        entries = source.convert(given.get(name) or {}, dict[str, Any], *position, name)
        for key, value in entries.items():
            source.convert(value, value_type, *position, name, key)
    for name, types in kind.find_value_types().items():
        place = (*position, name)
        # One by one, as msgspec does not tell which of a mapping's values is wrong.
        for key, value in source.convert(given.get(name) or {}, dict[str, Any], *place).items():
            if key not in types:
                raise source.unknown("key", key, types, *place, key)
            source.convert(value, types[key], *place, key)
    return source.convert(given, kind, *position)


def _find_mapped_types(kind: type[Kind]) -> Iterator[tuple[str, type]]:
    """Yield the parameters that map names of an author's to structs, with the type of these."""
    for field in msgspec.structs.fields(kind):
        parts = typing.get_args(field.type)
        if typing.get_origin(field.type) is Mapping and _is_struct(parts[1]):
            yield field.encode_name, parts[1]


def _is_struct(value_type: Any) -> bool:
    return isinstance(value_type, type) and issubclass(value_type, msgspec.Struct)
