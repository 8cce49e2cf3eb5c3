"""The Python that a hosted runner has before any action sets one up: one environment per job.

Called as `default_python.py NAME ARGUMENTS...` by the scripts python, python3, pip and pip3.
"""

from __future__ import annotations

import os
import sys

from scaffolder.checks.github.standins.programs import environment, runner

UBUNTU_24_04 = 12


def main() -> None:
    """Become the wanted program of the job's default environment."""
    runner.settings()
    folder = runner.job_folder("default") / "python"
    if not (folder / "bin" / "pip").exists():
        environment.create(folder, UBUNTU_24_04)
    program = folder / "bin" / sys.argv[1]
    os.execv(program, [str(program), *sys.argv[2:]])  # noqa: S606


if __name__ == "__main__":
    main()
