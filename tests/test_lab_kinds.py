"""The reference of check kinds: complete, true, and as the docs show it."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import msgspec
import pytest

from scaffolder.authoring import reference
from scaffolder.checks.registry import KINDS
from scaffolder.core import yaml_source
from scaffolder.labs.lab_file import COMMON_CHECK_KEYS
from tests.support.command import Devlab

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_documented_as_it_is(kind: str) -> None:
    page = reference.find_page(kind)
    _, sections = reference._split(inspect.getdoc(KINDS[kind]) or "")
    assert set(sections) == set(reference.SECTIONS)
    assert page.summary.endswith(".")
    assert page.passes
    assert page.fails
    documented = set(reference.parse_parameter_words(sections["Parameters"]))
    assert documented == {field.encode_name for field in msgspec.structs.fields(KINDS[kind])}
    assert all(one.text for one in page.parameters)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_is_one(kind: str) -> None:
    (check,) = yaml_source.load_yaml(reference.find_page(kind).example).data
    assert check["kind"] == kind
    assert check["id"]
    parameters = {key: value for key, value in check.items() if key not in COMMON_CHECK_KEYS}
    msgspec.convert(parameters, KINDS[kind])


def test_the_page_in_the_docs_is_up_to_date(devlab: Devlab) -> None:
    said = devlab("lab", "kinds", "--format", "markdown")
    assert (DOCS / "kinds.md").read_text() == said.out, (
        "run: devlab lab kinds --format markdown > docs/kinds.md"
    )


def test_the_list_names_every_kind_within_the_terminal(
    devlab: Devlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = devlab("lab", "kinds")
    assert all(kind in said.out for kind in KINDS)
    assert max(map(len, said.out.splitlines())) <= 80


def test_one_kind_is_told_in_full(devlab: Devlab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = devlab("lab", "kinds", "container.stops")
    assert "request: {path: text?" in said.out
    assert "within: number; default 3" in said.out
    assert "Passes\n  the answer is whole" in said.out


def test_a_kind_is_data_for_programs(devlab: Devlab) -> None:
    page = json.loads(devlab("lab", "kinds", "image.contents", "--format", "json").out)
    assert page["kind"] == "image.contents"
    sizes = {one["name"]: one["default"] for one in page["parameters"]}
    assert float(sizes["megabytes"]) == 50


def test_a_misspelt_kind_has_a_neighbour(devlab: Devlab) -> None:
    said = devlab("lab", "kinds", "container.serve")
    assert said.code == 2
    assert "did you mean 'container.serves'" in said.err
