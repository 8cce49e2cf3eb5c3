"""`devlab lab lint`: a lab that is broken in one way is told so, with file and line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.proving.lint import lint_lab
from tests.support.command import Devlab


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack with one lab in which nothing is wrong."""
    from scaffolder.authoring.new import NewLab, create_lab

    root = tmp_path_factory.mktemp("sound")
    create_lab(NewLab(root, "sound", "A sound lab", "tests", "tiny", new_template=True))
    return root


@pytest.fixture
def lab(sound: Path, tmp_path: Path) -> Path:
    """A copy of that lab, to be broken."""
    shutil.copytree(sound, tmp_path / "pack")
    return tmp_path / "pack" / "labs" / "sound"


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(lab: Path) -> None:
        text = (lab / path).read_text()
        assert old in text
        (lab / path).write_text(text.replace(old, new, 1))

    return change


def write(path: str, text: str) -> Callable[[Path], None]:
    def change(lab: Path) -> None:
        (lab / path).parent.mkdir(parents=True, exist_ok=True)
        (lab / path).write_text(text)

    return change


SOLVED = 'WORKDIR /srv\nCOPY . .\nCMD ["python", "-m", "http.server", "8000"]\n'
FAULT = "- {id: f, title: t, change: {replace: [{path: app.py, old: nowhere, new: x}]}}\n"
SAME = """\
  - id: another-name
    title: Another title
    fails: [hadolint-finds-nothing]
    change: {replace: [{path: Dockerfile, old: "python:3.13-slim", new: "python:latest"}]}

equivalent:
"""

BROKEN: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "typo": (edit("lab.yaml", "points:", "pionts:"), "lab.yaml", "did you mean 'points'"),
    "cycle": (
        edit("lab.yaml", "    hints:", "    needs: [dockerfile-is-clean]\n    hints:"),
        "lab.yaml",
        "circle",
    ),
    "not named": (
        edit("instructions.md", "`dockerfile-is-clean`", "It"),
        "lab.yaml",
        "not named in instructions.md",
    ),
    "no marker": (edit("instructions.md", "devlab:tasks", "tasks"), "instructions.md", "0 times"),
    "one hint": (edit("lab.yaml", "      - Name one", "      # Name one"), "lab.yaml", "1 hint,"),
    "no killer": (
        edit("lab.yaml", "    checks:", "    checks:\n      - {id: new, kind: image.builds}"),
        "lab.yaml",
        "no mistake fails the check 'new'",
    ),
    "unknown check": (
        edit("mistakes.yaml", "[hadolint-finds-nothing]", "[hadolint-finds-nothin]"),
        "mistakes.yaml",
        "did you mean 'hadolint-finds-nothing'",
    ),
    "mistake does not apply": (
        edit("mistakes.yaml", 'old: "python:3.13-slim"', 'old: "python:3.9"'),
        "mistakes.yaml",
        "stands 0 times",
    ),
    "mistake changes nothing": (
        edit("mistakes.yaml", 'new: "python:latest"', 'new: "python:3.13-slim"'),
        "mistakes.yaml",
        "changes nothing",
    ),
    "same mistake": (edit("mistakes.yaml", "equivalent:\n", SAME), "mistakes.yaml", "same change"),
    "two alternatives": (
        lambda lab: shutil.rmtree(lab / "alternatives/entrypoint"),
        "alternatives",
        "2 alternatives",
    ),
    "same alternative": (
        lambda lab: shutil.copy(lab / "solution/Dockerfile", lab / "alternatives/entrypoint/"),
        "alternatives/entrypoint",
        "same as solution",
    ),
    "alternative with other comments": (
        write("alternatives/entrypoint/Dockerfile", f"# Mine\nFROM python:3.13-slim\n\n{SOLVED}"),
        "alternatives/entrypoint",
        "only in comments",
    ),
    "start is solved": (
        lambda lab: shutil.copy(lab / "solution/Dockerfile", lab / "start/"),
        "solution",
        "same as start",
    ),
    "solution in a comment": (
        edit(
            "start/Dockerfile",
            "FROM",
            "".join(f"# {one}\n" for one in SOLVED.splitlines()) + "FROM",
        ),
        "start/Dockerfile",
        "gives away",
    ),
    "solution elsewhere": (
        write("start/docs/Dockerfile.example", f"FROM python:3.13-slim\n{SOLVED}"),
        "start/docs/Dockerfile.example",
        "gives away",
    ),
    "fault does not apply": (write("faults.yaml", FAULT), "faults.yaml", "does not apply"),
    "fault is not used": (write("faults.yaml", FAULT), "faults.yaml", "no check plants"),
    "file name": (write("solutoin/x", "x"), "solutoin", "did you mean 'solution'"),
    "not rendered": (
        write("start/setup.cfg", "name = {{ cookiecutter.service_name }}\n"),
        "start/setup.cfg",
        "left",
    ),
    "unknown variable": (
        write("solution/a.jinja", "a\n{{ cookiecutter.nam }}\n"),
        "solution/a.jinja",
        "nam",
    ),
    "unknown template": (edit("lab.yaml", "template: tiny", "template: tin"), "lab.yaml", "tiny"),
    "deletes nothing": (write("solution/.delete", "gone.py\n"), "solution/.delete", "no such"),
    "link": (lambda lab: (lab / "start/a").symlink_to("Dockerfile"), "start/a", "is a link"),
    "large": (write("start/a", "a" * 2**20 + "b"), "start/a", "1 MB"),
    "executable": (
        lambda lab: (lab / "start/Dockerfile").chmod(0o755),
        "start/Dockerfile",
        "executable",
    ),
    "rubbish": (write("start/__pycache__/a", ""), "start/__pycache__", "made by a tool"),
}
# What is wrong with a whole file or folder has no line.
WITHOUT_LINE = {
    "no marker", "two alternatives", "same alternative", "alternative with other comments",
    "start is solved", "file name", "link", "large", "executable", "rubbish", "unknown template",
}  # fmt: skip


def test_a_sound_lab_has_no_problem(lab: Path) -> None:
    assert lint_lab(lab) == ()


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named(lab: Path, name: str) -> None:
    change, path, words = BROKEN[name]
    change(lab)
    found = [one for one in lint_lab(lab) if one.path == path and words in one.message + one.hint]
    assert found, lint_lab(lab)
    assert (found[0].line is None) == (name in WITHOUT_LINE), found[0]


def test_the_line_is_the_right_one(lab: Path) -> None:
    edit("mistakes.yaml", 'old: "python:3.13-slim"', 'old: "python:3.9"')(lab)
    (found,) = lint_lab(lab)
    lines = (lab / "mistakes.yaml").read_text().splitlines()
    assert lines[(found.line or 0) - 1].strip() == "change:"
    assert "python:3.9" in "".join(lines[(found.line or 0) :][:2])


def test_one_problem_hides_no_other(lab: Path) -> None:
    for name in ("one hint", "mistake changes nothing", "two alternatives", "link"):
        BROKEN[name][0](lab)
    assert {one.path for one in lint_lab(lab)} >= {
        "lab.yaml", "mistakes.yaml", "alternatives", "start/a",
    }  # fmt: skip


def test_a_broken_lab_yaml_hides_no_other_file(lab: Path) -> None:
    BROKEN["typo"][0](lab)
    edit("mistakes.yaml", "fails:", "fail:")(lab)
    assert {one.path for one in lint_lab(lab)} >= {"lab.yaml", "mistakes.yaml"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".github/workflows/a.yml", "name: ${{ github.ref }}\n"),
        ("chart/a.yaml", "name: {{ .Values.name }}\n"),
        ("app/page.html", "{% block body %}{% endblock %}\n"),
        ("run.sh", "#!/bin/sh\ndocker ps --format '{{.ID}}'\n"),
        # One or two lines that everybody writes give nothing away.
        ("notes.txt", "WORKDIR /srv\nCOPY . .\n"),
    ],
)
def test_what_only_looks_wrong_is_left_alone(lab: Path, path: str, text: str) -> None:
    write(f"start/{path}", text)(lab)
    assert lint_lab(lab) == ()


def test_moving_a_block_is_the_work_and_no_leak(lab: Path) -> None:
    block = "LABEL one=1\nLABEL two=2\nLABEL three=3\n"
    for path in (
        "start",
        "solution",
        *(f"alternatives/{one.name}" for one in (lab / "alternatives").iterdir()),
    ):
        text = (lab / path / "Dockerfile").read_text()
        (lab / path / "Dockerfile").write_text(block + text if path == "start" else text + block)
    assert [one for one in lint_lab(lab) if "gives away" in one.message] == []


def test_the_command_tells_places_and_ends_with_one(devlab: Devlab, lab: Path) -> None:
    BROKEN["one hint"][0](lab)
    said = devlab("lab", "lint", cwd=lab.parent.parent)
    assert said.code == 1
    assert "labs/sound/lab.yaml:" in said.out
    assert "1 problem in 1 lab" in said.out
    (told,) = json.loads(devlab("lab", "lint", "labs/sound", "--format", "json").out)["labs"]
    assert told["id"] == "sound"
    assert told["problems"][0]["path"] == "lab.yaml"


def test_a_lab_that_is_not_there_is_wrong_usage(devlab: Devlab) -> None:
    said = devlab("lab", "lint", "containerise-flask")
    assert said.code == 2
    assert "did you mean 'containerize-flask'" in said.err


def test_a_folder_that_is_not_there_has_a_neighbour(devlab: Devlab, lab: Path) -> None:
    said = devlab("lab", "lint", "labs/soun", cwd=lab.parent.parent)
    assert said.code == 2
    assert "no such folder; did you mean 'sound'" in said.err
