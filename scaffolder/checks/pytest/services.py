"""What the grader does for a test that runs in the tester: its own services, and the families'.

All the rules of the other kinds hold here: commands go through the sandbox, and what a fixture of
a family's asks for is done by the code of that family.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.families import find_fixtures
from scaffolder.checks.programs import Programs
from scaffolder.checks.serving import (
    OUTPUT_LIMIT,
    FixtureParameters,
    FixtureService,
    TimeBudget,
)
from scaffolder.model.tool import Tool
from scaffolder.sandbox import Command


class Services:
    """The services of one check. `place` is a folder that no sandboxed command may write to.

    `parameters` are those of the families' fixtures, by name, `tools` what the tests run. Times are
    in seconds.
    """

    def __init__(
        self,
        context: Context,
        parameters: Mapping[str, FixtureParameters],
        tools: Iterable[Tool],
        place: Path,
    ) -> None:
        self._context = context
        self._parameters = parameters
        self._budget = TimeBudget(context.timeout)
        self._stack = contextlib.ExitStack()
        self._opened: dict[str, FixtureService] = {}
        self._copies = 0
        self.work = place / "work"
        self.work.mkdir()
        self._programs = Programs(place / "programs", tools)

    def close(self) -> None:
        """Undo what the families' services left, the last first."""
        self._stack.close()

    def answer(self, what: str, parameters: Mapping[str, Any]) -> Any:
        """Do what a test asked for by its name: `run`, or `container.start` of a fixture's.

        Returns what JSON can hold; what is raised is judged as if the check itself had raised it.
        """
        own: Mapping[str, Callable[..., Any]] = {"workspace": self.workspace, "run": self.run}
        known = own if what in own else self._open(what.partition(".")[0]).requests
        return known[what](**parameters)

    def _open(self, fixture: str) -> FixtureService:
        """Return the service behind a fixture of a family's, made when it is first asked for."""
        if fixture not in self._opened:
            service = find_fixtures()[fixture].load_service(fixture)
            made = service(self._context, self._parameters[fixture], self._budget)
            self._stack.callback(made.close)
            self._opened[fixture] = made
        return self._opened[fixture]

    def workspace(self) -> str:
        """Make a new copy of the learner's work."""
        self._copies += 1
        folder = self.work / str(self._copies)
        shutil.copytree(self._context.run.snapshot, folder, symlinks=True)
        return str(folder)

    def run(
        self,
        folder: str,
        argv: Sequence[str],
        timeout: float | None,
        env: Mapping[str, str] | None,
        check: bool,
    ) -> dict[str, Any]:
        """Run a command in a copy of the work, in the sandbox, without a network.

        All commands of a check together have the check's timeout.
        """
        run = self._context.run
        allowed = self._budget.limit(timeout)
        self._context.say(shlex.join(argv))
        with run.slots:
            command = Command(
                argv=argv,
                cwd=Path(folder),
                timeout=allowed,
                env={"PATH": self._programs.search_path, **(env or {})},
                visible=self._programs.visible,
                output_limit=OUTPUT_LIMIT,
            )
            done = run.sandbox.run(command, run.cancel)
            self._programs.blame_machine(done, command, run.sandbox, run.cancel)
        # The bounds of the sandbox stand before the command that people know.
        return self._budget.conclude(
            dataclasses.replace(done, argv=tuple(argv)), allowed, check=check
        )
