"""The JSON Schemas: what devlab reads validates, what it refuses does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scaffolder.authoring import schema
from scaffolder.checks.registry import KINDS
from scaffolder.core import yaml_source
from scaffolder.labs import catalog
from tests.support.command import Devlab

DOCS = Path(__file__).parent.parent / "docs" / "schema"
LABS = [lab.root for lab in catalog.load_labs(graded=False)]
FILES = [
    path for root in LABS for name in schema.SCHEMAS if (path := root / f"{name}.yaml").exists()
]


def errors(name: str, data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads(schema.format_schema(name)))
    return [error.message for error in validator.iter_errors(data)]


@pytest.mark.parametrize("name", schema.SCHEMAS)
def test_a_schema_is_sound_and_up_to_date(devlab: Devlab, name: str) -> None:
    said = devlab("lab", "schema", name)
    jsonschema.Draft202012Validator.check_schema(json.loads(said.out))
    assert (DOCS / f"{name}.json").read_text() == said.out, (
        "run: devlab lab schema --into docs/schema"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_labs_validate(path: Path) -> None:
    data = yaml_source.load_yaml(path.read_text()).data
    # An editor reads YAML 1.2, where a date is a text.
    assert errors(path.stem, json.loads(json.dumps(data, default=str))) == []


@pytest.mark.parametrize("root", LABS, ids=lambda root: root.name)
def test_the_editors_line_leads_to_the_schema(root: Path) -> None:
    first = (root / "lab.yaml").read_text().splitlines()[0]
    prefix, _, target = first.partition("=")
    assert prefix == "# yaml-language-server: $schema"
    assert (root / target).resolve() == DOCS / "lab.json"


LAB: dict[str, Any] = {
    "version": "1",
    "title": "t",
    "summary": "s",
    "track": "t",
    "level": "l",
    "minutes": 1,
    "skills": [],
    "template": "t",
}


def lab_with(check: dict[str, Any], **task: Any) -> dict[str, Any]:
    return {**LAB, "tasks": [{"id": "a", "title": "t", "points": 1, "checks": [check], **task}]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lab_with({"id": "c", "kind": "image.build"}), "'image.build' is not one of"),
        (lab_with({"id": "c", "kind": "image.builds", "dockerfil": "x"}), "'dockerfil' was"),
        (lab_with({"id": "c", "kind": "image.caches", "fault": "x"}), "'distributions' is a"),
        (lab_with({"id": "c", "kind": "container.user", "start_within": "x"}), "not of type"),
        (lab_with({"kind": "image.builds"}), "'id' is a required"),
        (lab_with({"id": "c", "kind": "image.builds"}, pionts=1), "'pionts' was unexpected"),
        (lab_with({"id": "C d", "kind": "image.builds"}), "does not match"),
        ({**LAB, "tasks": []}, "should be non-empty"),
    ],
)
def test_a_typo_is_named_and_nothing_else(data: dict[str, Any], words: str) -> None:
    (message,) = errors("lab", data)
    assert words in message


def test_a_session_may_say_what_a_check_does_not() -> None:
    check = {"id": "c", "kind": "image.caches", "session": "caches"}
    lab = lab_with(check)
    assert errors("lab", {**lab, "sessions": {"caches": {"distributions": ["flask"]}}}) == []
    assert errors("lab", {**lab, "sessions": {"Caches": {}}})
    assert errors("lab", {**lab, "sessions": {"caches": ["flask"]}})


def test_other_files_are_strict_too() -> None:
    assert errors("mistakes", {"mistakes": [{"id": "m"}]})
    assert errors("mistakes", {"mistake": []})
    assert errors("faults", [{"id": "f", "title": "t", "change": {"repace": []}}])


def test_an_editor_can_explain_every_key() -> None:
    parts = json.loads(schema.format_schema("lab"))["$defs"]
    for name in ("LabFile", "TaskFile", *KINDS):
        for key, value in parts[name]["properties"].items():
            assert value is True or value["description"], f"{name}.{key}"


def test_an_unknown_schema_has_a_neighbour(devlab: Devlab) -> None:
    said = devlab("lab", "schema", "mistake")
    assert said.code == 2
    assert "did you mean 'mistakes'" in said.err
