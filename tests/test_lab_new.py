"""`devlab lab new`, and the guide that begins with it: what they make is sound from the start."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scaffolder.authoring.new import SKELETONS
from tests.support.command import Devlab

GUIDE = Path(__file__).parent.parent / "docs" / "authoring.md"


@pytest.fixture(autouse=True)
def _no_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEVLAB_LABS", raising=False)


@pytest.mark.parametrize(
    "template",
    [("--template", "flask-service"), ("--new-template", "tiny")],
    ids=lambda one: one[1],
)
def test_a_new_lab_proves_at_once(
    devlab: Devlab, tmp_path: Path, template: tuple[str, str]
) -> None:
    made = devlab("lab", "new", "first", "--no-input", *template, cwd=tmp_path)
    assert made.code == 0, made.err
    assert "devlab lab prove" in made.out
    assert devlab("lab", "lint").code == 0
    proven = devlab("lab", "prove", "labs/first")
    assert proven.code == 0, proven.out + proven.err


@pytest.mark.parametrize(
    "skeleton",
    [
        pytest.param("service"),
        pytest.param("script", marks=pytest.mark.sandbox),
        pytest.param("repository", marks=pytest.mark.sandbox),
        pytest.param("job", marks=[pytest.mark.engine, pytest.mark.slow]),
        pytest.param("pipeline", marks=pytest.mark.slow),
        pytest.param("infrastructure", marks=pytest.mark.terraform),
    ],
)
def test_each_skeleton_proves_at_once(devlab: Devlab, tmp_path: Path, skeleton: str) -> None:
    """All but its mutants, in a root without templates; then a second one beside it is sound."""
    new = ("lab", "new", "--no-input", "--skeleton", skeleton)
    for name in ("first", "second"):
        made = devlab(*new, name, cwd=tmp_path)
        assert made.code == 0, made.err
        assert devlab("lab", "lint", f"labs/{name}").code == 0
    answers = ("start", "solution", "alternative:*", "mistake:*")
    only = [word for one in answers for word in ("--only", one)]
    proven = devlab("lab", "prove", "labs/first", *only)
    assert proven.code == 0, proven.out + proven.err


def test_the_guide_tells_of_each_skeleton() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), re.MULTILINE)) >= set(SKELETONS)


def test_the_title_may_hold_anything(devlab: Devlab, tmp_path: Path) -> None:
    title = 'It\'s "ours": {{ yes }} # no comment'
    made = devlab("lab", "new", "first", "--no-input", "--title", title, cwd=tmp_path)
    assert made.code == 0, made.err
    assert title in (tmp_path / "labs/first/instructions.md").read_text()
    assert devlab("lab", "lint", "labs/first").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Slim_Image",), "lower-case"),
        (("a", "--template", "flask-servic"), "did you mean 'flask-service'"),
        (("a", "--template", "x", "--new-template", "y"), "not both"),
        (("a", "--new-template", "../up"), "lower-case"),
        (("a", "--track", "My Track"), "lower-case"),
        (("a", "--skeleton", "servise"), "'service'"),
    ],
)
def test_a_wrong_name_writes_nothing(
    devlab: Devlab, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    said = devlab("lab", "new", "--no-input", *arguments, cwd=tmp_path)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "labs" / "a").exists()


def test_nothing_is_overwritten(devlab: Devlab, tmp_path: Path) -> None:
    devlab("lab", "new", "first", "--no-input", cwd=tmp_path)
    (tmp_path / "labs/first/lab.yaml").write_text("mine")
    said = devlab("lab", "new", "first", "--no-input")
    assert said.code == 2
    assert "never overwrites" in said.err
    assert (tmp_path / "labs/first/lab.yaml").read_text() == "mine"


def test_who_names_it_by_its_id_is_told_the_path(devlab: Devlab, tmp_path: Path) -> None:
    devlab("lab", "new", "first", "--no-input", cwd=tmp_path)
    said = devlab("lab", "lint", "first")
    assert said.code == 2
    assert "named by its path: labs/first" in said.err


def test_it_is_written_into_the_authors_pack(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pack" / "labs").mkdir(parents=True)
    devlab("lab", "new", "below", "--no-input", cwd=tmp_path / "pack" / "labs")
    assert (tmp_path / "pack/labs/below/lab.yaml").exists()
    monkeypatch.setenv("DEVLAB_LABS", str(tmp_path / "pack"))
    devlab("lab", "new", "told", "--no-input", cwd=tmp_path)
    assert (tmp_path / "pack/labs/told/lab.yaml").exists()
    devlab("lab", "new", "chosen", "--no-input", "--dir", tmp_path / "other")
    assert (tmp_path / "other/labs/chosen/lab.yaml").exists()


def test_it_asks_at_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"script\nA title of mine\nmy-track\nnew\nsmall\n")
    command = [sys.executable, "-m", "scaffolder.cli", "lab", "new", "first"]
    done = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
    )
    os.close(theirs)
    os.close(ours)
    text = (tmp_path / "labs/first/lab.yaml").read_text()
    assert done.returncode == 0
    assert 'title: "A title of mine"' in text
    assert "track: my-track" in text
    assert "template: small" in text
    assert (tmp_path / "templates/small/cookiecutter.json").exists()


def test_the_commands_of_the_guide_work(devlab: Devlab, tmp_path: Path) -> None:
    """Those of the first minute and about one mistake, in their order."""
    blocks = re.findall(r"```console\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    commands = re.findall(r"^\$ devlab (.*)$", "".join(blocks), re.MULTILINE)
    assert len(commands) >= 5
    for line in commands:
        arguments = re.findall(r'"[^"]*"|\S+', line.replace("/tmp/wrong", str(tmp_path / "wrong")))
        said = devlab(*(one.strip('"') for one in arguments), cwd=tmp_path)
        assert said.code == 0, f"{line}\n{said.out}{said.err}"


def test_the_worked_example_of_the_guide_is_sound(devlab: Devlab, tmp_path: Path) -> None:
    files = re.findall(r"^`(labs/signals/\S+)`.*?```\w+\n(.*?)```", GUIDE.read_text(), re.S | re.M)
    assert len(files) == 8
    for path, text in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    linted = devlab("lab", "lint", cwd=tmp_path)
    assert linted.code == 0, linted.out
    answers = ["start", "solution*", "alternative:*", "mistake:*"]
    chosen = [word for one in answers for word in ("--only", one)]
    proven = devlab("lab", "prove", "labs/signals", *chosen)
    assert proven.code == 0, proven.out + proven.err
    assert devlab("lab", "prove", "labs/signals").code == 1, "mutants survive, as the guide says"
