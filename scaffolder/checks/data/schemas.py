"""The lab's JSON Schemas: compiled once, without anything fetched, and quick on hostile data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scaffolder.checks.json_schemas import SchemaProblem, find_schema_problems


def find_problems(schema: Any, data: Any) -> tuple[SchemaProblem, ...]:
    """Return what a schema finds wrong; raises RuntimeError for one that is none.

    What it refers to must be in it, or be the schema of a draft. A `format` counts where jsonschema
    knows it without other packages: date, email, ipv4, ipv6, regex, uuid.
    """
    # Imported here: half a second that only this check should cost.
    from jsonschema import validators  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
    from referencing.exceptions import Unresolvable

    draft = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        draft.check_schema(schema)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        raise RuntimeError(f"the lab's schema is none, at /{place}: {error.message}") from error
    quick = validators.extend(draft, {"uniqueItems": _find_twins})
    try:
        validator = quick(schema, registry=REGISTRY, format_checker=draft.FORMAT_CHECKER)
        return find_schema_problems(validator, data)
    except Unresolvable as error:
        raise RuntimeError(f"the lab's schema names what is not in it: {error.ref}") from error


def _find_twins(_: Any, unique: Any, instance: Any, __: Any) -> Iterator[Any]:
    """Yield the error of a list with equal items: jsonschema's own compares each with each."""
    from jsonschema.exceptions import ValidationError

    if unique and isinstance(instance, list) and len(set(map(_freeze, instance))) < len(instance):
        yield ValidationError("has the same item twice")


def _freeze(value: Any) -> Any:
    """Return what is equal for equal JSON, and can be hashed."""
    if isinstance(value, Mapping):
        return "object", frozenset((key, _freeze(part)) for key, part in value.items())
    if isinstance(value, list):
        return "array", tuple(map(_freeze, value))
    return ("truth" if isinstance(value, bool) else "scalar"), value
