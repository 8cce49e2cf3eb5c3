"""Make a virtual environment of a Python that this machine has, with pip in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from scaffolder.checks.github.standins.programs import runner


def create(folder: Path, minor: int) -> None:
    """Make `folder` an environment of the Python nearest to 3.`minor`."""
    _, python = runner.nearest(minor)
    made = subprocess.run(
        [
            runner.settings()["uv"],
            *("venv", "--quiet", "--seed", "--clear", "--no-project", "--no-config"),
            *("--python", str(python), str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "UV_PYTHON"},
    )
    if made.returncode:
        runner.note(made.stderr)
        runner.lack(f"an environment of Python 3.{minor}")
    for package in folder.glob("lib/python*/site-packages/pip"):
        _speed_up(package, folder / "bin")


def _speed_up(package: Path, programs: Path) -> None:
    """Let `pip install` try uv first; the files may be links into a cache, so replace them."""
    main = package / "__main__.py"
    main.rename(package / "_own_main.py")
    source = Path(__file__).with_name("pip_main.py").read_text("utf-8")
    main.write_text(source.replace('UV = ""', f"UV = {runner.settings()['uv']!r}", 1), "utf-8")
    for script in programs.glob("pip*"):
        script.unlink()
        script.write_text(
            f"#!{programs}/python\nimport runpy\nrunpy.run_module('pip', run_name='__main__')\n"
        )
        script.chmod(0o755)
