"""What the variables of a template may be: told by type and range, and held in every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.labs.value_types import ValueType
from tests.support.command import Devlab
from tests.support.labs import Catalog, task

PORT = ValueType("integer", 1024, 65535)
NAME = ValueType("name", 3, 40)
TEXT = ValueType("text", 1, 100)


@pytest.mark.parametrize("value", ["1024", "8000", "65535"])
def test_a_number_of_the_range_is_taken(value: str) -> None:
    assert PORT.holds(value)


@pytest.mark.parametrize(
    "value",
    [
        "1023",
        "65536",
        "99999",
        "08000",
        "+8000",
        " 8000",
        "8000\n",
        "8e3",
        "8000.0",
        "٨٠٠٠",
        "",
        "-1",
        "9" * 5000,
        "0x1f90",
        "8_000",
    ],
)
def test_anything_else_is_no_port(value: str) -> None:
    assert not PORT.holds(value)


@given(st.text(max_size=50))
def test_a_name_is_what_a_package_and_an_image_may_be_called(value: str) -> None:
    if NAME.holds(value):
        assert value.isascii()
        assert 3 <= len(value) <= 40
        assert value[0].isalpha()
        assert value[-1] != "-"
        assert value == value.lower()


@pytest.mark.parametrize(
    "value", ["ab-", "-ab", "a_b", "Abc", "1ab", "ab", "a" * 41, "äbc", "abc\n"]
)
def test_such_names_are_none(value: str) -> None:
    assert not NAME.holds(value)


@pytest.mark.parametrize("value", ["abc", "a-b", "a1b", "a" * 40])
def test_such_names_are_taken(value: str) -> None:
    assert NAME.holds(value)


@pytest.mark.parametrize("value", ["", "   ", "a\nb", "a\x1bb", "x" * 101])
def test_such_texts_are_none(value: str) -> None:
    assert not TEXT.holds(value)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("port=99999", "port is '99999', but must be a whole number from 1024 to 65535"),
        ("port=80", "a whole number from 1024 to 65535"),
        ("service_name=A", "3 to 40 lower-case letters, digits and hyphens"),
        ("service_name=" + "x" * 5000, "3 to 40 lower-case letters"),
        ("author=", "one line of 1 to 100 printable characters"),
        ("python_version=2.7", "one of 3.13, 3.12, 3.11"),
    ],
)
def test_new_refuses_in_words(devlab: Devlab, tmp_path: Path, setting: str, words: str) -> None:
    said = devlab("new", "ci-pipeline", tmp_path / "work", "--no-input", "--set", setting)
    assert said.code == 2
    assert words in said.err
    assert len(said.err) < 700
    assert "[a-z]" not in said.err
    assert not (tmp_path / "work").exists()


def test_show_says_what_a_variable_must_be(devlab: Devlab) -> None:
    assert "port = 8000   (a whole number from 1024 to 65535)" in devlab("show", "ci-pipeline").out
    told = json.loads(devlab("show", "ci-pipeline", "--format", "json").out)["variables"]
    assert told["port"]["must_be"] == "a whole number from 1024 to 65535"
    assert "must_be" not in told["python_version"]


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ({"nam": {"type": "text", "min": 1, "max": 2}}, "did you mean 'name'"),
        ({"name": {"type": "date", "min": 1, "max": 2}}, "in _types: Invalid enum value 'date'"),
        ({"name": {"type": "text", "min": 3, "max": 2}}, "no value can be from 3 to 2"),
        ({"name": {"type": "text", "min": 1}}, "missing required field `max`"),
        ([], "_types must be an object"),
    ],
)
def test_types_that_say_nothing_are_refused(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, types: object, words: str
) -> None:
    catalog.lab(task("only"))
    settings = catalog.root / "templates" / "tiny" / "cookiecutter.json"
    settings.write_text(json.dumps({"name": "tiny-service", "_types": types}))
    said = devlab("new", "tested", tmp_path / "work", "--no-input")
    assert said.code == 2
    assert "cookiecutter.json" in said.err
    assert words in said.err


@pytest.mark.engine
def test_new_warns_of_a_choice_that_cannot_be_graded(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.checks.docker import engine_look as looks
    from scaffolder.cli import new

    is_standin = looks.engine.is_standin
    monkeypatch.setattr(
        looks.engine,
        "is_standin",
        # On a machine that proved every answer, or is the developer's own, the image is there.
        lambda found, name: None if name == "python:3.11-slim" else is_standin(found, name),
    )
    monkeypatch.setattr(looks, "_refusal", lambda *_: "no network")
    # An engine that has much to do does not answer within the seconds that a learner waits.
    monkeypatch.setattr(looks, "ANSWER_SECONDS", 60)
    monkeypatch.setattr(new, "_LOOK_SECONDS", 120.0)
    name = ("new", "containerize-flask")
    usual = devlab(*name, tmp_path / "usual", "--no-input", "--set", "port=9000")
    assert "warning" not in usual.err
    said = devlab(*name, tmp_path / "work", "--no-input", "--set", "python_version=3.11")
    assert said.code == 0
    assert "with python_version=3.11, 95 of 100 points cannot be graded" in said.err
    assert "python:3.11-slim is not here" in said.err


@pytest.mark.engine
def test_new_warns_of_any_value_that_leads_to_an_image_that_is_not_here(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of the values that were chosen it names the one that does."""
    from scaffolder.checks.docker import engine_look as looks
    from scaffolder.cli import new

    monkeypatch.setattr(looks, "_refusal", lambda *_: "no network")
    monkeypatch.setattr(looks, "ANSWER_SECONDS", 60)
    monkeypatch.setattr(new, "_LOOK_SECONDS", 120.0)
    lab = catalog.lab(
        "  - id: only\n    title: It builds\n    points: 10\n    hints: [a, b]\n"
        "    checks: [{id: builds, kind: image.builds}]\n"
    )
    (lab / "solution" / "Dockerfile.jinja").write_text("FROM {{ cookiecutter.base }}\n")
    settings = catalog.root / "templates" / "tiny" / "cookiecutter.json"
    settings.write_text(json.dumps({"name": "tiny", "base": "debian:trixie-slim"}))
    name = ("new", "tested")
    usual = devlab(*name, tmp_path / "usual", "--no-input", "--set", "name=other")
    assert (usual.code, "warning" in usual.err) == (0, False)
    chosen = ("--set", "name=other", "--set", "base=nobody-has/this:1")
    said = devlab(*name, tmp_path / "work", "--no-input", *chosen)
    assert said.code == 0
    assert "with base=nobody-has/this:1, 10 of 10 points cannot be graded" in said.err
