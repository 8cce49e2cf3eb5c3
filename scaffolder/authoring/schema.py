"""JSON Schemas of the files of a lab, made from the model, so that editors complete and explain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.authoring import reference
from scaffolder.authoring.reference import KindPage
from scaffolder.core.errors import DevlabError
from scaffolder.core.suggest import suggest_name
from scaffolder.labs.lab_file import load_kinds
from scaffolder.labs.schema import CheckKeys, LabFile, WrongAnswersFile
from scaffolder.model import Fault
from scaffolder.model.history import HistoryFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"

Schema = dict[str, Any]


def format_schema(name: str) -> str:
    """Return one schema as JSON; raises DevlabError for a name that no file of a lab has."""
    if name not in SCHEMAS:
        raise DevlabError(
            f"there is no schema {name!r}{suggest_name(name, SCHEMAS)}",
            hint=f"schemas: {', '.join(SCHEMAS)}",
        )
    title = f"devlab: {name}.yaml"
    schema = {"$schema": DIALECT, "title": title, **SCHEMAS[name]()}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def write_schemas(directory: Path) -> tuple[Path, ...]:
    """Write all schemas into a folder, over older ones; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = tuple(directory / f"{name}.json" for name in SCHEMAS)
    for path in paths:
        path.write_text(format_schema(path.stem), "utf-8")
    return paths


def _lab() -> Schema:
    lab, parts = _components(LabFile)
    parts["TaskFile"]["properties"]["checks"]["items"] = {"$ref": _REF.format(name="Check")}
    parts["Check"] = _check(parts)
    return {**lab, "$defs": parts}


def _mistakes() -> Schema:
    answers, parts = _components(WrongAnswersFile)
    return {**answers, "$defs": parts}


def _faults() -> Schema:
    faults, parts = _components(list[Fault])
    return {**faults, "$defs": parts}


def _history() -> Schema:
    history, parts = _components(HistoryFile)
    return {**history, "$defs": parts}


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "lab": _lab,
    "mistakes": _mistakes,
    "faults": _faults,
    "history": _history,
}


def _components(kind: Any) -> tuple[Schema, dict[str, Schema]]:
    (schema,), parts = msgspec.json.schema_components([kind], ref_template=_REF)
    for part in parts.values():
        part["description"] = " ".join(str(part.get("description", "")).split())
    return dict(schema), dict(parts)


def _check(parts: dict[str, Schema]) -> Schema:
    """Return the schema of a check: `kind` decides which parameters it has.

    Conditions, not alternatives: where one is not met, an editor names the key that is wrong and
    not that none of thirty alternatives fits.
    """
    (keys,), common = msgspec.json.schema_components([CheckKeys], ref_template="{name}")
    shared = common[keys["$ref"]]
    pages = reference.list_pages()
    properties = {**shared["properties"]}
    properties["kind"] = {
        **properties["kind"],
        "enum": [page.kind for page in pages],
        "enumDescriptions": [page.summary for page in pages],
    }
    return {
        "type": "object",
        "description": shared["description"],
        "properties": properties,
        "required": shared["required"],
        "allOf": [_condition(page, shared, parts) for page in pages],
    }


def _condition(page: KindPage, shared: Schema, parts: dict[str, Schema]) -> Schema:
    cls = load_kinds()[page.kind]
    own, needed = reference.read_kind_schema(cls, _REF)
    parts.update(needed)
    told = {one.name: one.text for one in page.parameters}
    parts[page.kind] = {
        "type": "object",
        "description": page.summary,
        "properties": {
            **dict.fromkeys(shared["properties"], True),
            **{
                name: {**schema, "description": told.get(name, "")}
                for name, schema in own["properties"].items()
            },
        },
        "additionalProperties": False,
    }
    if required := own.get("required"):
        # What a check does not say itself, its session may.
        parts[page.kind] |= {
            "if": {"not": {"required": ["session"]}},
            "then": {"required": required},
        }
    return {
        "if": {"properties": {"kind": {"const": page.kind}}, "required": ["kind"]},
        "then": {"$ref": _REF.format(name=page.kind)},
    }
