"""What users install: the built wheel, in a clean environment, away from the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

# Whatever comes first builds the wheel and installs it: all of it is for one worker of xdist.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def run(*argv: str | Path, cwd: Path, code: int = 0) -> str:
    """Run a command outside the source tree and return what it printed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 and {"pip", "--seed"} & {*argv}:
        pytest.skip(f"no package index here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", folder, ROOT, cwd=folder)
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


@pytest.fixture(scope="module")
def devlab(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command as installed without the extra that brings a cloud."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "venv" / "bin" / "python"
    # uv links what it has in its cache. pip, as users have it, then finds all requirements met.
    uv, there = find_uv_bin(), ("--quiet", "--python", python)
    run(uv, "venv", "--seed", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    run(uv, "pip", "install", "--compile-bytecode", *there, wheel, cwd=folder)
    run(uv, "pip", "uninstall", *there, "devlab", cwd=folder)
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return folder / "venv" / "bin" / "devlab"


def test_new_and_check_from_the_wheel(devlab: Path, tmp_path: Path) -> None:
    run(devlab, "new", "ci-pipeline", "--no-input", cwd=tmp_path)
    start = json.loads(
        run(devlab, "check", "ci-pipeline", "--format", "json", cwd=tmp_path, code=1)
    )
    assert start["score"]["earned"] == 0
    run(devlab, "lab", "render", "ci-pipeline", "solved", "--state", "solution", cwd=tmp_path)
    solved = json.loads(run(devlab, "check", "solved", "--format", "json", cwd=tmp_path))
    assert solved["score"] == {"earned": 100, "gradable": 100, "total": 100, "not_shown": 0}


def test_what_needs_the_extra_says_so_without_it(devlab: Path, tmp_path: Path) -> None:
    run(devlab, "lab", "render", "terraform-stubs", "solved", "--state", "solution", cwd=tmp_path)
    report = json.loads(run(devlab, "check", "solved", "--format", "json", cwd=tmp_path, code=3))
    checks = [check for task in report["tasks"] for check in task["checks"]]
    assert {check["verdict"] for check in checks} <= {"pass", "unavailable"}
    assert [check["hint"] for check in checks if check["verdict"] == "unavailable"]
