"""The programs that an author's test can run besides the system's: a bare Python, declared tools.

A command sees of them what is named here, and finds it before all else; of the folders that they
lie in, and of the rest of what is installed there, it sees nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from scaffolder.core.errors import UnavailableError
from scaffolder.model.tool import Tool
from scaffolder.sandbox import Command, Sandbox, list_python_parts
from scaffolder.tools.fingerprints import find_programs
from scaffolder.tools.processes import CancelToken, Completed
from scaffolder.tools.system_facts import SYSTEM_PATH

# What a shell's exit code says of a program that is not there, or cannot be run.
_NOT_STARTED = (126, 127)
_SECONDS = 30.0


class Programs:
    """A folder, made here, with a link to each program.

    Of `tools` their programs are there, by the names that these have, and the files that count for
    them. Their settings are not: they lie in the user's home folder and may hold credentials.
    """

    def __init__(self, folder: Path, tools: Iterable[Tool]) -> None:
        self._folder = folder
        self._titles: dict[str, str] = {}
        self._files: list[Path] = []
        folder.mkdir()
        # Not the environment that devlab is installed in: its packages are not the learner's.
        found = dict.fromkeys(("python", "python3"), Path(sys.executable))
        for tool in tools:
            self._files += filter(os.path.isfile, tool.fingerprint.list_files())
            for name, path in find_programs(tool).items():
                if found.setdefault(name, path) is path:
                    self._titles[name] = tool.title
        for name, path in found.items():
            (folder / name).symlink_to(path.resolve())

    @property
    def search_path(self) -> str:
        """The PATH of a command."""
        return f"{self._folder}:{SYSTEM_PATH}"

    @property
    def visible(self) -> tuple[Path, ...]:
        """What a command must see for the programs to run."""
        programs = (self._folder / name for name in self._titles)
        python = list_python_parts(self._folder / "python")
        return (self._folder, *python, *(one.resolve() for one in programs), *self._files)

    def blame_machine(
        self, done: Completed, command: Command, sandbox: Sandbox, cancel: CancelToken
    ) -> None:
        """Raise UnavailableError where a tool's program cannot be started in the sandbox at all.

        `done` is what `command` came to. Where it looks so, the program is run by its own name and
        without the work, which so has no say in this.
        """
        name = str(command.argv[0])
        if done.returncode not in _NOT_STARTED or name not in self._titles:
            return
        place = self._folder.with_name(f"{self._folder.name}-control")
        place.mkdir(exist_ok=True)
        program = (self._folder / name).resolve()
        control = Command(
            argv=(program, "--version"),
            cwd=place,
            timeout=_SECONDS,
            env=command.env,
            visible=command.visible,
        )
        if sandbox.run(control, cancel).returncode in _NOT_STARTED:
            raise UnavailableError(
                f"{self._titles[name]}, which the lab's tests run, does not start in the sandbox",
                hint=f"there is only {program} there: what it needs besides must be the system's",
            )
