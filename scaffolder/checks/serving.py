"""What the grader does for a test that runs in the tester, whichever family a fixture is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.checks.context import Context
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Evidence
from scaffolder.tools.processes import Completed, Ending

# In bytes: what a test may read at once of a command or of a file.
OUTPUT_LIMIT = 1024 * 1024


def find_tester_folder(context: Context) -> Path:
    """Return the folder of a check's tests: beside what sandboxed commands can write to."""
    return context.run.scratch.resolve().with_name(f"tester-{context.check_id}")


class TimeBudget:
    """The check's timeout, in seconds, which all commands of its tests have together."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def limit(self, timeout: float | None) -> float:
        """Return how long a command may take for which a test allows `timeout` seconds."""
        return self._left if timeout is None else min(self._left, timeout)

    def spend(self, seconds: float) -> None:
        """Count the seconds that something took; a little is always left."""
        self._left = max(0.1, self._left - seconds)

    def conclude(
        self, done: Completed, allowed: float, *, prefix: str = "", check: bool = False
    ) -> dict[str, Any]:
        """Count a command that might take `allowed` seconds, and return what it came to.

        Raises CheckFailedError where it came to no end; with `check`, also where its exit code is
        not 0. `prefix` stands before the command in the evidence.
        """
        self.spend(done.seconds)
        reason = ""
        if done.ending is Ending.TIMED_OUT:
            reason = f"did not end within {allowed:.3g} seconds and was stopped"
        elif done.ending is Ending.TOO_MUCH_OUTPUT:
            reason = "printed without end and was stopped"
        elif done.ending is not Ending.EXITED:
            reason = f"was stopped: {done.ending.value}"
        elif check and done.returncode:
            reason = f"ended with exit code {done.returncode}"
        if reason:
            raise CheckFailedError(
                f"{done.command} {reason}",
                evidence=Evidence(
                    ran=prefix + done.command,
                    expected="exit code 0" if check else "its end",
                    actual=reason,
                    log=done.tail(),
                ),
                hint="run the same command yourself; what it prints last says why",
                lasting=False,
            )
        return {
            "code": done.returncode,
            "out": done.stdout,
            "err": done.stderr,
            "seconds": done.seconds,
        }


class FixtureParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what lab.yaml can give a fixture: each field has a type, a default, a description.

    Without defaults no test could ask for the fixture of which the lab says nothing.
    """

    @property
    def builds(self) -> tuple[str, ...]:
        """Paths of the Dockerfiles that the fixture builds, as `Kind.builds`."""
        return ()


class FixtureService:
    """Base of what the grader does for one fixture of a family's, in one check.

    All the rules of the family's kinds hold here, because their code does the work. `parameters`
    are the fixture's, of the type that it declares, `budget` is what the check's commands have.
    Times are in seconds.
    """

    def __init__(self, context: Context, parameters: FixtureParameters, budget: TimeBudget) -> None:
        self.context = context
        self.parameters = parameters
        self.budget = budget

    @property
    def requests(self) -> Mapping[str, Callable[..., Any]]:
        """The methods that answer, by the names of requests: a fixture's, or one and a dot first.

        What they return JSON can hold; what they raise is judged as if the check had raised it.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Undo what is left at the end of the check."""
