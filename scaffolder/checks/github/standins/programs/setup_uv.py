"""astral-sh/setup-uv: uv on PATH, and UV_PYTHON where a Python is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scaffolder.checks.github.standins.programs import runner


def main() -> None:
    """Do what the action does, with the inputs of the environment."""
    programs = Path(runner.settings()["uv_programs"])
    runner.add_path(programs)
    version = runner.told("VERSION")
    if version:
        runner.export("UV_PYTHON", version)
    if runner.switched("ACTIVATE"):
        _activate(programs, version)
    asked = subprocess.run(
        [runner.settings()["uv"], "--version"], capture_output=True, text=True, check=True
    )
    runner.note(f"{asked.stdout.strip()} is set up.")
    runner.answer("uv-version", asked.stdout.split()[1])
    runner.answer("uv-path", str(programs / "uv"))
    runner.answer("uvx-path", str(programs / "uvx"))
    runner.answer("cache-hit", "false")


def _activate(programs: Path, version: str) -> None:
    folder = runner.workspace() / runner.told("DIRECTORY") / (runner.told("VENV") or ".venv")
    words = ["--python", version] if version else []
    made = subprocess.run([programs / "uv", "venv", *words, folder], check=False)
    if made.returncode:
        sys.exit(made.returncode)
    runner.add_path(folder / "bin")
    runner.export("VIRTUAL_ENV", str(folder))


if __name__ == "__main__":
    main()
