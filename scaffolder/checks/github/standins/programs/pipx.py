"""pipx, by means of uv: each application in an environment of its own, for this job only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scaffolder.checks.github.standins.programs import runner

OPTIONS = ("--quiet", "-q", "--force", "-f", "--verbose")


def main() -> None:
    """Install or run what is asked for."""
    tools = runner.job_folder("bin")
    os.environ |= {
        "UV_TOOL_DIR": str(runner.job_folder("pipx")),
        "UV_TOOL_BIN_DIR": str(tools),
    }
    command, *words = [word for word in sys.argv[1:] if word not in OPTIONS] or [""]
    uv = str(Path(runner.settings()["uv_programs"]) / "uv")
    if command == "install" and words and not any(word.startswith("-") for word in words):
        for word in words:
            _finish(subprocess.run([uv, "tool", "install", "--force", word], check=False))
        sys.exit(0)
    if command == "run" and words and not words[0].startswith("-"):
        _finish(subprocess.run([uv, "tool", "run", *words], check=False))
        sys.exit(0)
    if command in ("ensurepath", "--version"):
        runner.note("1.7.1" if command == "--version" else f"{tools} is on PATH")
        sys.exit(0)
    runner.lack(f"pipx {' '.join((command, *words))}")


def _finish(done: subprocess.CompletedProcess[bytes]) -> None:
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
