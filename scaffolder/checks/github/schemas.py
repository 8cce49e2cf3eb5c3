"""Sole owner of check-jsonschema: its vendored schemas, used as a library and in words."""

from __future__ import annotations

import datetime
import functools
from typing import Any

from scaffolder.checks.github.github_schema import correct_schema
from scaffolder.checks.json_schemas import SchemaProblem, find_schema_problems

_WORKFLOWS = "vendor.github-workflows"


def find_workflow_problems(data: Any) -> tuple[SchemaProblem, ...]:
    """Return what the schema of GitHub workflows finds wrong in parsed YAML, most telling first."""
    return find_schema_problems(_validator(_WORKFLOWS), _plain(data))


@functools.cache
def _validator(schema: str) -> Any:
    # Imported here: half a second that only this check should cost.
    from check_jsonschema.builtin_schemas import get_builtin_schema
    from jsonschema import Draft7Validator  # type: ignore[import-untyped]

    published = get_builtin_schema(schema)
    return Draft7Validator(correct_schema(published) if schema == _WORKFLOWS else published)


def _plain(value: Any) -> Any:
    """Return parsed YAML as JSON has it: keys are text, and so are the dates of YAML 1.1."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else str(value)
