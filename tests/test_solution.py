"""`devlab solution`: the reference answer, for who has earned it or gives up."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from scaffolder.progress import records
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.versions import Releases, held, put

TASKS = """\
  - id: greets
    title: It greets
    points: 10
    hints: [a nudge, nearly the answer]
    checks:
      - {id: says-hello, kind: test.holds, path: greeting, text: hello}
  - id: parts
    title: It says goodbye
    points: 10
    hints: [a nudge, nearly the answer]
    checks:
      - {id: says-goodbye, kind: test.holds, path: farewell, text: goodbye}
  - id: elsewhere
    title: It is graded elsewhere
    points: 10
    hints: [a nudge, nearly the answer]
    checks:
      - {id: is-missing, kind: test.ends, outcome: unavailable}
"""
SOLUTION = {
    "greeting": "hello\n",
    "farewell.jinja": "goodbye from {{cookiecutter.name}}\n",
    ".delete": "stale\n",
}


@pytest.fixture
def work(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    Releases(catalog).release(
        "1", {"greeting": "", "farewell": "", "stale": "s\n"}, tasks=TASKS, solution=SOLUTION
    )
    folder = tmp_path / "work"
    said = devlab("new", "tested", folder, "--no-input", "--set", "name=my-own")
    assert said.code == 0, said.err
    put(folder, {"notes.md": "mine\n"})
    with (folder / "README.md").open("a") as readme:
        readme.write("my notes\n")
    return folder


def test_a_task_that_does_not_pass_is_refused_kindly(devlab: Devlab, work: Path) -> None:
    said = devlab("solution", "greets", cwd=work)
    assert said.code == 1
    assert "greets does not pass yet" in said.err
    assert "devlab hint greets" in said.err
    assert "devlab solution greets --give-up" in said.err
    assert "hello" not in said.out


def test_a_task_that_passes_is_checked_and_shown_then_remembered(
    devlab: Devlab, work: Path
) -> None:
    (work / "greeting").write_text("hello, in my own words\n")
    said = devlab("solution", "greets", cwd=work)
    assert said.code == 0, said.err
    assert "-hello, in my own words\n+hello\n" in said.out
    (work / "greeting").write_text("changed my mind\n")
    assert devlab("solution", "greets", cwd=work).code == 0
    assert devlab("solution", "parts", cwd=work).code == 1


def test_what_passed_before_is_looked_up_once(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[None] = []
    everything = records.read_all
    monkeypatch.setattr(records, "read_all", lambda: asked.append(None) or everything())
    assert devlab("solution", cwd=work).code == 1
    assert len(asked) == 1


def test_what_cannot_be_graded_here_is_no_pass(devlab: Devlab, work: Path) -> None:
    said = devlab("solution", "elsewhere", cwd=work)
    assert said.code == 1
    assert "cannot be graded here" in said.err


def test_giving_up_shows_an_answer_with_the_learners_own_variables(
    devlab: Devlab, work: Path
) -> None:
    before = held(work)
    said = devlab("solution", "--give-up", cwd=work)
    assert said.code == 0, said.err
    assert "+goodbye from my-own\n" in said.out
    assert "deleted file mode" in said.out
    assert "notes" not in said.out
    assert held(work) == before
    subprocess.run(["git", "apply"], cwd=work, input=said.out, text=True, check=True)
    assert (work / "greeting").read_text() == "hello\n"
    assert not (work / "stale").exists()
    assert "are those of the reference" in devlab("solution", "--give-up", cwd=work).err


def test_programs_get_json(devlab: Devlab, work: Path) -> None:
    document = json.loads(devlab("solution", "--give-up", "--format", "json", cwd=work).out)
    assert document["schema"] == "devlab.solution/1"
    assert document["lab"] == {"id": "tested", "version": "1"}
    changes = {one["path"]: one["change"] for one in document["files"]}
    assert changes == {"greeting": "changed", "farewell": "changed", "stale": "removed"}


def test_an_unknown_task_has_a_neighbour(devlab: Devlab, work: Path) -> None:
    said = devlab("solution", "greet", "--give-up", cwd=work)
    assert said.code == 2
    assert "did you mean 'greets'" in said.err


def test_of_a_task_those_files_are_shown_that_its_checks_read(
    devlab: Devlab, tmp_path: Path
) -> None:
    work = tmp_path / "real"
    assert devlab("new", "containerize-flask", work, "--no-input").code == 0
    said = devlab("solution", "dockerfile-is-clean", "--give-up", "--format", "json", cwd=work)
    assert [one["path"] for one in json.loads(said.out)["files"]] == ["Dockerfile"]
    whole = json.loads(devlab("solution", "--give-up", "--format", "json", cwd=work).out)
    assert {one["path"] for one in whole["files"]} > {"Dockerfile"}
