"""astral-sh/ruff-action: run ruff with `args` on `src`, and leave it on PATH."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

from scaffolder.checks.github.standins.programs import environment, runner

_PINNED = re.compile(r"^\s*[\"']?ruff\s*(?P<spec>(?:==|>=|~=|<|>)[^\s;\"']+)", re.MULTILINE)


def main() -> None:
    """Do what the action does, with the inputs of the environment."""
    folder = runner.job_folder(f"ruff-{os.getpid()}")
    environment.create(folder, 12)
    done = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"ruff{_spec()}"],
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)
    ruff = folder / "bin" / "ruff"
    tools = runner.job_folder("bin")
    (tools / "ruff").unlink(missing_ok=True)
    (tools / "ruff").symlink_to(ruff)
    runner.add_path(tools)
    asked = subprocess.run([ruff, "--version"], capture_output=True, text=True, check=True)
    runner.answer("ruff-version", asked.stdout.split()[-1])
    sources = runner.told("SRC").split() or [str(runner.workspace())]
    words = shlex.split(runner.told("ARGS"))
    sys.exit(subprocess.run([ruff, *words, *sources], check=False).returncode)


def _spec() -> str:
    version = runner.told("VERSION")
    if version and version != "latest":
        return version if version[0] in "<>=~!" else f"=={version.removeprefix('v')}"
    named = runner.told("VERSION_FILE")
    path = runner.workspace() / (named or "pyproject.toml")
    if not path.is_file():
        return ""
    match = _PINNED.search(path.read_text("utf-8", errors="replace"))
    return match["spec"] if match and version != "latest" else ""


if __name__ == "__main__":
    main()
