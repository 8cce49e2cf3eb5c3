"""The published JSON schema of GitHub workflows, corrected by what the runner's own parser takes.

SchemaStore's schema is written by hand. Where it refuses what GitHub takes (a filter without a
value, `strategy` without a matrix, a number where text is wanted) the learner's work would pay for
it, and where it takes what GitHub refuses (an activity that no event has) a fault would pass. What
decides is workflow-v1.0.json of github.com/actions/runner and github.com/actions/languageservices,
read by the rules of the runner's TemplateReader: any scalar stands for text, nothing for an empty
one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# Scalars that GitHub reads as text: nothing is the empty text, unless that is not allowed.
_TEXT = {"type": ["string", "number", "boolean", "null"]}
_WORDS = {"type": ["string", "number", "boolean"], "minLength": 1}
_NOTHING = {"type": "null"}
_WORD_LIST = {"anyOf": [_WORDS, {"type": "array", "items": _WORDS}]}
_PATTERNS = {"anyOf": [_NOTHING, *_WORD_LIST["anyOf"]]}
# Also one with words around it.
_EXPRESSION = {"type": "string", "pattern": r"\$\{\{"}
_LEVEL = {"$ref": "#/definitions/permissions-level"}

# Activities that GitHub knows and the published schema does not, by event.
_MORE_TYPES = {
    "pull_request": ["stacked"],
    "pull_request_target": ["milestoned", "demilestoned", "enqueued", "dequeued", "stacked"],
    "watch": ["started"],
    "image_version": ["created", "ready", "deleted"],
}
# What events take beside `types`.
_MORE_FILTERS = {
    "merge_group": ("branches", "branches-ignore"),
    "workflow_run": ("branches", "branches-ignore", "workflows"),
    "image_version": ("names", "versions"),
}
# Where an empty list or mapping is nothing that GitHub minds.
_MAY_BE_EMPTY = ("defaults", "jobContainer", "serviceContainer", "globs", "types", "jobNeeds")


def correct_schema(published: Mapping[str, Any]) -> dict[str, Any]:
    """Return the published schema with its differences from the runner's own put right."""
    schema = copy.deepcopy(dict(published))
    definitions = schema["definitions"]
    _correct_jobs(definitions)
    _correct_steps(definitions)
    _correct_containers(definitions)
    _correct_values(definitions)
    on = next(way for way in schema["properties"]["on"]["oneOf"] if way.get("type") == "object")
    _correct_events(definitions, on["properties"])
    for name in _MAY_BE_EMPTY:
        _without_minima(definitions[name])
    corrected = _with_scalars_for_text(schema)
    assert isinstance(corrected, dict)  # noqa: S101 -- it was one
    return corrected


def _correct_jobs(definitions: dict[str, Any]) -> None:
    for name in ("normalJob", "reusableWorkflowCallJob"):
        properties = definitions[name]["properties"]
        strategy = properties["strategy"]
        del strategy["required"]
        strategy["properties"]["fail-fast"] = {"anyOf": [{"type": "boolean"}, _EXPRESSION]}
        strategy["properties"]["max-parallel"] = {"anyOf": [{"type": "number"}, _EXPRESSION]}
        properties["concurrency"]["oneOf"][0] = _WORDS
    job = definitions["normalJob"]["properties"]
    job["cancel-timeout-minutes"] = job["timeout-minutes"]
    job["runs-on"] = {
        "anyOf": [
            *_WORD_LIST["anyOf"],
            {
                "type": "object",
                "properties": {"group": _WORDS, "labels": _WORD_LIST},
                "additionalProperties": False,
            },
        ]
    }
    del job["outputs"]["minProperties"]
    snapshot = definitions["snapshot"]["oneOf"][1]["properties"]
    snapshot["if"] = _TEXT
    snapshot["image-name"] = snapshot["version"] = definitions["snapshot"]["oneOf"][0] = _WORDS
    scopes = definitions["permissions-event"]["properties"]
    scopes["drives"] = _LEVEL
    scopes["copilot-requests"] = {"type": "string", "enum": ["write", "none"]}
    definitions["concurrency"]["properties"]["group"] = _WORDS


def _correct_steps(definitions: dict[str, Any]) -> None:
    step = definitions["step"]["properties"]
    for key in ("id", "uses", "cancel"):
        step[key] = _WORDS
    step["shell"] = _WORDS
    step["wait"] = _WORD_LIST
    step["with"] = {"$ref": "#/definitions/env"}
    step["working-directory"] = _TEXT
    run = definitions["defaults"]["properties"]["run"]["properties"]
    run["shell"] = run["working-directory"] = _WORDS


def _correct_containers(definitions: dict[str, Any]) -> None:
    for name in ("jobContainer", "serviceContainer"):
        container = definitions[name]
        del container["required"]
        container["properties"]["ports"]["items"] = _WORDS
        container["properties"]["volumes"]["items"] = _WORDS
        credentials = container["properties"]["credentials"]
        credentials["properties"] = {"username": _WORDS, "password": _WORDS}
        credentials["additionalProperties"] = False
    services = definitions["normalJob"]["properties"]["services"]
    services["additionalProperties"] = {
        "anyOf": [_WORDS, {"$ref": "#/definitions/serviceContainer"}]
    }


def _correct_values(definitions: dict[str, Any]) -> None:
    definitions["env"]["oneOf"][0]["additionalProperties"] = _TEXT
    # What a matrix holds is anything.
    definitions["configuration"] = {}
    definitions["globs"] = _PATTERNS
    filters = definitions["matrix"]["oneOf"][0]["patternProperties"]["^(in|ex)clude$"]
    del filters["oneOf"][1]["minItems"]
    definitions["expressionSyntax"] = definitions["stringContainingExpressionSyntax"] = _EXPRESSION


def _correct_events(definitions: dict[str, Any], events: dict[str, Any]) -> None:
    for event in ("image_version", "pull_request_comment"):
        events.setdefault(event, {"oneOf": [_NOTHING, {"type": "object", "properties": {}}]})
        definitions["event"]["enum"].append(event)
    definitions["event"]["enum"].append("schedule")
    for event, shape in events.items():
        mapping = _mapping_of(shape)
        if event in ("workflow_call", "workflow_dispatch", "schedule") or mapping is None:
            continue
        # What stands beside a $ref is not looked at.
        shape.pop("$ref", None)
        properties = mapping.setdefault("properties", {})
        if known := _known_types(event, properties.get("types", {})):
            one = {"enum": known}
            properties["types"] = {"anyOf": [_NOTHING, one, {"type": "array", "items": one}]}
        properties |= dict.fromkeys(_MORE_FILTERS.get(event, ()), _PATTERNS)
        mapping.pop("patternProperties", None)
        mapping["additionalProperties"] = False
    events["repository_dispatch"] = {
        "oneOf": [
            _NOTHING,
            {"type": "object", "properties": {"types": _PATTERNS}, "additionalProperties": False},
        ]
    }
    events["schedule"]["items"]["properties"] = {"cron": _WORDS, "timezone": _WORDS}
    _correct_calls(definitions, events)


def _correct_calls(definitions: dict[str, Any], events: dict[str, Any]) -> None:
    called = _mapping_of(events["workflow_call"]) or {}
    called["additionalProperties"] = False
    (secret,) = called["properties"]["secrets"]["patternProperties"].values()
    secret["type"] = ["object", "null"]
    by_hand = definitions["workflowDispatchInput"]
    del by_hand["oneOf"]
    by_hand["type"] = ["object", "null"]
    _without_minima(by_hand)
    by_hand["properties"]["default"] = _TEXT
    by_hand["if"] = {"properties": {"type": {"const": "choice"}}, "required": ["type"]}
    by_hand["then"] = {"required": ["options"]}
    dispatch = events["workflow_dispatch"]
    dispatch.pop("$ref", None)
    dispatch.pop("additionalProperties", None)
    mapping = _mapping_of(dispatch) or {}
    mapping["additionalProperties"] = False
    mapping["properties"]["inputs"]["type"] = ["object", "null"]


def _mapping_of(shape: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the part of an event's schema that tells of its filters, None where it has none."""
    for way in shape.get("oneOf", ()):
        parts = way.get("allOf", [way])
        if parts[0].get("type") == "object":
            found = parts[0]
            assert isinstance(found, dict)  # noqa: S101 -- a schema is one
            return found
    return None


def _known_types(event: str, types: Mapping[str, Any]) -> list[str]:
    published = types.get("items", {}).get("enum", [])
    return [*dict.fromkeys([*published, *_MORE_TYPES.get(event, ())])]


def _without_minima(schema: Any) -> None:
    """Take away that lists and mappings must not be empty, in a schema and all its parts."""
    if isinstance(schema, dict):
        schema.pop("minItems", None)
        schema.pop("minProperties", None)
        for part in schema.values():
            _without_minima(part)
    elif isinstance(schema, list):
        for part in schema:
            _without_minima(part)


def _with_scalars_for_text(schema: Any) -> Any:
    """Let every scalar stand for text where the schema asks for any text at all."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and not {"enum", "const", "pattern"} & schema.keys():
            return {**schema, **(_WORDS if "minLength" in schema else _TEXT)}
        parts = {key: _with_scalars_for_text(part) for key, part in schema.items()}
        # Now a number can be two things at once; only what a step does it does alone.
        if "oneOf" in parts and not any("required" in way for way in parts["oneOf"]):
            parts["anyOf"] = parts.pop("oneOf")
        return parts
    return [_with_scalars_for_text(part) for part in schema] if isinstance(schema, list) else schema
