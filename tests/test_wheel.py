"""What users install: the built wheel, in a clean environment, away from the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*argv: str | Path, cwd: Path, code: int = 0) -> str:
    """Run a command outside the source tree and return what it printed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if "pip" in argv and done.returncode != 0:
        pytest.skip(f"no package index here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


def test_the_catalog_travels_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "labs", "templates", "scaffolder"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    wanted = {
        name if name.startswith("scaffolder/") else f"scaffolder/_catalog/{name}"
        for name in filter(None, tracked)
        if (ROOT / name).exists()
    }
    assert wanted <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_new_and_check_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    run(venv / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    devlab = venv / "bin" / "devlab"
    run(devlab, "new", "ci-pipeline", "--no-input", cwd=tmp_path)
    start = json.loads(
        run(devlab, "check", "ci-pipeline", "--format", "json", cwd=tmp_path, code=1)
    )
    assert start["score"]["earned"] == 0
    run(devlab, "lab", "render", "ci-pipeline", "solved", "--state", "solution", cwd=tmp_path)
    solved = json.loads(run(devlab, "check", "solved", "--format", "json", cwd=tmp_path))
    assert solved["score"] == {"earned": 100, "gradable": 100, "total": 100}


def test_labs_that_need_the_extra_say_so_without_it(wheel: Path, tmp_path: Path) -> None:
    """An import that fails must become a way out, not an error."""
    hidden = tmp_path / "hidden"
    for name in ("boto3", "moto", "flask_cors"):
        (hidden / name).mkdir(parents=True)
        (hidden / name / "__init__.py").write_text("raise ModuleNotFoundError(__name__)\n")
    work = tmp_path / "work"
    environment = {**os.environ, "PYTHONPATH": f"{hidden}:{ROOT}"}
    command = [sys.executable, "-m", "scaffolder.cli"]
    subprocess.run(
        [*command, "lab", "render", "terraform-stubs", work, "--state", "solution"],
        env=environment,
        check=True,
        capture_output=True,
    )
    done = subprocess.run(
        [*command, "check", work, "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    verdicts = {check["verdict"] for task in report["tasks"] for check in task["checks"]}
    assert done.returncode == 3, done.stdout + done.stderr
    assert verdicts == {"pass", "unavailable"}
