"""The fixtures that every instructor's test can ask for; each is made when a test first does."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest

from scaffolder.checks.pytest.runner.channel import Channel, WorkFailedError
from scaffolder.checks.pytest.runner.witness import CommandResult, Witness


class Fail(Protocol):
    """Ends the test as the learner's fail."""

    def __call__(  # noqa: PLR0913 -- each is a part of a verdict
        self,
        message: str,
        *,
        hint: str = "",
        path: str | Path | None = None,
        line: int | None = None,
        rule: str | None = None,
        ran: str = "",
        expected: str = "",
        actual: str = "",
        log: Sequence[str] = (),
    ) -> NoReturn:
        """Say the cause in a sentence, what to do next, and where in the work it lies.

        `rule` is a word of the author's that hints can name.
        """


class AddFinding(Protocol):
    """Adds a place in the learner's work to the verdict, should the test fail."""

    def __call__(
        self,
        path: str | Path,
        line: int | None,
        message: str,
        *,
        rule: str | None = None,
        url: str | None = None,
    ) -> None:
        """Name the path in the workspace, the line (from 1) and what is wrong there.

        `rule` is a word of the author's that hints can name, `url` where more is said.
        """


class RunCommand(Protocol):
    """Runs a command in the sandbox, in the workspace, without a network."""

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = False,
    ) -> CommandResult:
        """Return what it came to; not to end within `timeout` s is a fail, so is, with `check`,

        an exit code that is not 0.
        """


class Fixtures:
    """A pytest plugin with the fixtures, served by the grader."""

    def __init__(self, channel: Channel, witness: Witness, variables: Mapping[str, str]) -> None:
        self._channel = channel
        self._witness = witness
        self._variables = variables

    @pytest.fixture
    def workspace(self) -> Path:
        """Return a copy of the learner's work, this test's own."""
        return Path(self._channel.call("workspace"))

    @pytest.fixture
    def run(self, workspace: Path) -> RunCommand:
        """Return the function that runs a command in the sandbox, in this test's workspace."""

        def run(
            argv: Sequence[str | Path],
            *,
            timeout: float | None = None,
            env: Mapping[str, str] | None = None,
            check: bool = False,
        ) -> CommandResult:
            words = [os.fspath(word) for word in argv]
            self._witness.ran, self._witness.log = shlex.join(words), tuple
            told = self._channel.call(
                "run", folder=str(workspace), argv=words, timeout=timeout, env=env, check=check
            )
            ran = CommandResult(**told)
            self._witness.log = lambda: (ran.out + ran.err).splitlines()[-8:]
            return ran

        return run

    @pytest.fixture(scope="session")
    def variables(self) -> Mapping[str, str]:
        """Return the values that the learner's workspace was made with."""
        return self._variables

    @pytest.fixture
    def finding(self, workspace: Path) -> AddFinding:
        """Return the function that adds a place in the work to the verdict."""

        def finding(
            path: str | Path,
            line: int | None,
            message: str,
            *,
            rule: str | None = None,
            url: str | None = None,
        ) -> None:
            place = {"path": _relative(workspace, path), "line": line}
            self._witness.findings.append({"message": message, **place, "rule": rule, "url": url})

        return finding

    @pytest.fixture
    def fail(self, workspace: Path) -> Fail:
        """Return the function that ends the test as the learner's fail."""

        def fail(
            message: str,
            *,
            path: str | Path | None = None,
            line: int | None = None,
            rule: str | None = None,
            **details: Any,
        ) -> NoReturn:
            if path is not None or rule is not None:
                place = None if path is None else _relative(workspace, path)
                self._witness.findings.append(
                    {"message": message, "path": place, "line": line, "rule": rule}
                )
            raise WorkFailedError(message, **details)

        return fail


def _relative(workspace: Path, path: str | Path) -> str:
    """Return a path in the work, given as that or as one in the copy."""
    return Path(workspace, path).relative_to(workspace).as_posix()
