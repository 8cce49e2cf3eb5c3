"""The parsed workflow, its cache keys and its scripts: shapes, and no crash on anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.checks.github.schemas import find_workflow_problems
from scaffolder.checks.github.workflow_expressions import read_key
from scaffolder.checks.github.workflow_model import expand_steps, parse_workflow, read_called_files
from scaffolder.checks.github.workflow_shell import find_installers
from scaffolder.checks.github.workflow_triggers import why_no_pull_request, why_not_pushed
from scaffolder.core.errors import UnusableFileError

PATH = ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    "spelling",
    [
        "on: push",
        "on: [push]",
        "on: {push: }",
        "on:\n  push:\n",
        "'on': push",
        '"on":\n  - push',
        "on: {push: {branches: main}}",
    ],
)
def test_triggers_read_the_same_however_they_are_spelled(spelling: str) -> None:
    workflow = parse_workflow(f"{spelling}\njobs: {{}}\n", PATH)
    assert list(workflow.triggers) == ["push"]
    assert not list(why_not_pushed(workflow, "main", ()))
    assert list(why_no_pull_request(workflow, "main", ()))


def test_every_step_knows_its_place() -> None:
    workflow = parse_workflow(
        "on: push\njobs:\n  a:\n    needs: b\n    steps:\n      - run: x\n", PATH
    )
    job = workflow.jobs["a"]
    assert (job.line, job.needs) == (3, ("b",))
    assert (job.steps[0].run, job.steps[0].line) == ("x", 6)
    assert job.steps[0].position == ("jobs", "a", "steps", 0)


def test_actions_that_call_each_other_end(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        action = tmp_path / name / "action.yml"
        action.parent.mkdir()
        steps = f"[{{uses: ./{other}}}, {{uses: ./{other}}}]"
        action.write_text(f"runs:\n  using: composite\n  steps: {steps}\n")
    workflow = parse_workflow("on: push\njobs: {j: {steps: [{uses: ./a}]}}\n", PATH)
    assert len(list(expand_steps(tmp_path, workflow.jobs["j"].steps))) <= 1000
    assert set(read_called_files(tmp_path, workflow)) == {"a/action.yml", "b/action.yml"}


def test_a_called_workflow_is_found(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "test.yml").write_text("on: workflow_call\njobs: {}\n")
    workflow = parse_workflow("on: push\njobs: {j: {uses: ./.github/workflows/test.yml}}\n", PATH)
    assert list(read_called_files(tmp_path, workflow)) == [".github/workflows/test.yml"]


WORDS = st.sampled_from(
    ["on", "jobs", "steps", "run", "uses", "with", "needs", "if", "env", "push", "branches", "a"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150)
@given(VALUES, VALUES)
def test_no_yaml_breaks_the_model(on: object, jobs: object) -> None:
    text = yaml.safe_dump({"on": on, "jobs": jobs})
    try:
        workflow = parse_workflow(text, PATH)
    except UnusableFileError:
        return
    list(why_not_pushed(workflow, "main", ["a"]))
    list(why_no_pull_request(workflow, "main", ["a"]))
    for job in workflow.jobs.values():
        assert all(step.line >= 1 and step.inputs is not None for step in job.steps)
    assert all(problem.message for problem in find_workflow_problems(workflow.document.data))


@given(st.text(max_size=200))
def test_no_text_breaks_the_model(text: str) -> None:
    try:
        parse_workflow(text, PATH)
    except UnusableFileError as error:
        assert error.path == PATH


@pytest.mark.parametrize(
    ("key", "hashes"),
    [
        ("pip-${{ hashFiles('requirements.txt') }}", [("requirements.txt",)]),
        ("${{ format('pip-{0}', hashFiles('a', 'b')) }}", [("a", "b")]),
        ("${{ HASHFILES('it''s.txt') }}", [("it's.txt",)]),
        ("${{ hashFiles(env.FILE) }}", [("requirements.txt",)]),
        ("${{ env.KEY }}", [("uv.lock",)]),
        ("${{ hashFiles('a') || 'none' }}", [("a",)]),
        ("hashFiles('a')", []),
        ("${{ 'hashFiles(a)' }}", []),
        ("${{ hashFiles('a') == '' }}", []),
        ("${{ hashFiles('a') && 'always' }}", []),
        ("${{ contains(hashFiles('a'), 'b') }}", []),
        ("${{ runner.os }}-pip", []),
        ("${{ hashFiles('a'", []),
    ],
)
def test_a_key_follows_what_it_hashes(key: str, hashes: list[tuple[str, ...]]) -> None:
    known = {"env.FILE": "requirements.txt", "env.KEY": "${{ hashFiles('uv.lock') }}"}
    assert list(read_key(key, known).hashes) == hashes


@given(st.text(alphabet="${}'()hashFiles., |=env", max_size=60))
def test_no_key_breaks_the_reader(key: str) -> None:
    read_key(key, {"env.a": "x"})


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("pip install -r requirements.txt", {"pip"}),
        ("python -m pip install --upgrade pip && pip3 install flask", {"pip"}),
        ("sudo PIP_X=1 python3.12 -m pip install \\\n  -r a.txt", {"pip"}),
        (".venv/bin/pip install -e .", {"pip"}),
        ("if true; then\n  uv sync --locked\nfi", {"uv"}),
        ("uv pip install -r requirements.txt | cat", {"uv"}),
        ("uvx ruff check", {"uv"}),
        ("poetry install --no-root", {"poetry"}),
        ("tox -e py", {"pip"}),
        ("make install", {"any"}),
        ("./ci/setup", {"any"}),
        ("echo pip install flask", set()),
        ("# pip install flask", set()),
        ("pip list", set()),
        ("pytest -k 'pip install'", set()),
        ("echo 'unclosed", set()),
    ],
)
def test_installers_are_what_a_script_calls(script: str, found: set[str]) -> None:
    assert find_installers(script) == found


@given(st.text(alphabet="pip install\n\\'\"$(`&|;=-m ", max_size=80))
def test_no_script_breaks_the_reader(script: str) -> None:
    find_installers(script)


def test_steps_of_a_parallel_group_are_steps_of_the_job() -> None:
    text = (
        "jobs:\n  a:\n    steps:\n      - run: one\n      - parallel:\n          - run: two\n"
        "          - uses: a/b@c\n      - wait-all:\n"
    )
    steps = parse_workflow(text, "ci.yml").jobs["a"].steps
    assert [(step.run or step.uses, step.line) for step in steps] == [
        ("one", 4),
        ("two", 6),
        ("a/b@c", 7),
        ("", 8),
    ]
