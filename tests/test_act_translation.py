"""Where act reads a workflow in another way than GitHub, it is translated or said not to be shown.

Each file in examples/rehearsed is green on GitHub, and its steps say what GitHub makes of it; the
first line of one in not-shown names the construct that act can tell nothing of.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffolder.checks.context import Run
from scaffolder.checks.github import act, workflow_model
from scaffolder.checks.github.act_translation import translate_workflow, write_for_act
from scaffolder.checks.github.workflow_matrix import expand_matrix
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import NotShownError
from scaffolder.sandbox import OwnWork

EXAMPLES = Path(__file__).parent / "examples" / "rehearsed"
GREEN = sorted(EXAMPLES.glob("*.yml"))
NOT_SHOWN = sorted((EXAMPLES / "not-shown").glob("*.yml"))
CI = ".github/workflows/ci.yml"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with the workflow that others call."""
    work = tmp_path / "work"
    (work / ".github/workflows").mkdir(parents=True)
    shutil.copy(EXAMPLES / "called/called.yml", work / ".github/workflows/called.yml")
    for command in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *identity, *command], cwd=work, check=True)
    return work


def a_run(tmp_path: Path, work: Path) -> Run:
    (tmp_path / "scratch").mkdir()
    return Run(
        id="test",
        snapshot=work,
        scratch=tmp_path / "scratch",
        sandbox=OwnWork(tmp_path / "scratch"),
        lab_root=work,
        variables={},
        faults={},
        start=lambda: work,
    )


def rehearse(work: Path, home: Path) -> act.Record:
    payload = home / "event.json"
    payload.write_text(json.dumps({"ref": "refs/heads/main"}))
    argv = act.make_command(
        "push",
        workflow=CI,
        payload=payload,
        actor="ada",
        actions={},
        labels=["ubuntu-latest"],
        concurrent_jobs=2,
    )
    places = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(home))
    env = {"PATH": os.environ["PATH"], **places}
    done = subprocess.run(
        argv, cwd=work, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return act.read_log(done.stdout, done.stderr)


@pytest.mark.parametrize("example", GREEN, ids=lambda path: path.stem)
def test_what_is_green_on_github_is_green_here(example: Path, work: Path, tmp_path: Path) -> None:
    (work / CI).write_bytes(example.read_bytes())
    write_for_act(a_run(tmp_path, work), work, workflow_model.load_workflow(work, CI), work)

    record = rehearse(work, tmp_path)

    assert record.jobs, record
    assert not any(step.failed for step in record.steps), record
    assert {job.result for job in record.jobs} == {"success"}, record


@pytest.mark.parametrize("example", NOT_SHOWN, ids=lambda path: path.stem)
def test_what_act_can_tell_nothing_of_is_not_shown(
    example: Path, work: Path, tmp_path: Path
) -> None:
    text = example.read_text()
    (work / CI).write_text(text)

    with pytest.raises(NotShownError) as caught:
        write_for_act(a_run(tmp_path, work), work, workflow_model.load_workflow(work, CI), work)

    assert text.splitlines()[0].removeprefix("# ") in caught.value.message
    assert "\n" not in caught.value.message


def test_what_github_would_refuse_is_a_fail(work: Path, tmp_path: Path) -> None:
    (work / CI).write_text("on: push\njobs: {a: {runs-on: x, stepz: []}}\n")

    with pytest.raises(CheckFailedError, match="GitHub would refuse"):
        write_for_act(a_run(tmp_path, work), work, workflow_model.load_workflow(work, CI), work)


JOBS = {"a": {"runs-on": "x", "steps": [{"run": "pytest | tee x"}]}}


@pytest.mark.parametrize(
    ("defaults", "shell"),
    [
        (None, "bash -e {0}"),
        ({}, "bash -e {0}"),
        ({"run": {}}, "bash -e {0}"),
        ({"run": {"working-directory": "app"}}, "bash -e {0}"),
        ({"run": {"shell": "bash"}}, "bash"),
    ],
)
def test_the_shell_is_named_where_none_is(defaults: object, shell: str) -> None:
    source = json.dumps({"on": "push", "jobs": JOBS, "defaults": defaults})

    written = json.loads(translate_workflow(workflow_model.parse_workflow(source, CI)))

    assert written["defaults"]["run"]["shell"] == shell
    assert written["jobs"] == JOBS
    assert written["on"] == "push"


def test_what_git_leaves_out_is_not_written(work: Path, tmp_path: Path) -> None:
    source = "on: push\njobs: {a: {uses: ./.github/workflows/called.yml}}\n"
    (work / CI).write_text(source)
    copy = tmp_path / "copy"
    (copy / ".github/workflows").mkdir(parents=True)
    (copy / CI).write_text(source)

    write_for_act(a_run(tmp_path, work), copy, workflow_model.load_workflow(work, CI), work)

    assert [path.name for path in (copy / ".github/workflows").iterdir()] == ["ci.yml"]


def test_the_legs_of_a_matrix_in_the_order_of_github() -> None:
    # The example of the documentation, with a filter.
    matrix = {
        "fruit": ["apple", "pear"],
        "animal": ["cat", "dog"],
        "include": [
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
        "exclude": [{"fruit": "pear", "animal": "dog"}],
    }
    assert expand_matrix({"strategy": {"matrix": matrix}}) == (
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    )
    assert expand_matrix({}) == ({},)
    assert expand_matrix({"strategy": {"matrix": {"a": "${{ x }}"}}}) is None
    assert expand_matrix({"strategy": {"matrix": {"a": [*range(20)], "b": [*range(20)]}}}) is None


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("{matrix: {v: [1, 2]}}", False),
        ("{fail-fast: true, matrix: {v: [1, 2]}}", False),
        ("{fail-fast: '${{ true }}', matrix: {v: [1, 2]}}", "${{ true }}"),
    ],
)
def test_a_leg_ends_by_itself_whatever_the_others_do(said: str, made: object) -> None:
    """GitHub cancels those that still run when one fails, and which these are is a race."""
    step = "      - run: echo ${{ strategy.fail-fast }}"
    source = (
        f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    strategy: {said}\n"
        f"    steps:\n{step}\n"
    )
    job = json.loads(translate_workflow(workflow_model.parse_workflow(source, CI)))["jobs"]["a"]
    assert job["strategy"]["fail-fast"] == made
    # What is asked for is still what the workflow says.
    told = "strategy.fail-fast" if made else "true"
    assert told in job["steps"][0]["run"]
