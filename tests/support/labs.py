"""A small catalog with check kinds that end as they are told, for tests of everything else."""

from __future__ import annotations

import itertools
import signal
import textwrap
import threading
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from scaffolder.checks import families
from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.families import FAMILIES
from scaffolder.checks.family import Family
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.core.errors import UnavailableError
from scaffolder.labs import catalog
from scaffolder.model import CheckSpec, Evidence, Finding, Lab, Task, Verdict, failed, passed
from scaffolder.model.tool import Tool


class Ends(Kind, frozen=True):
    """Ends with the outcome that it is told."""

    outcome: str
    message: str = "as told"
    fault: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        return (self.fault,) if self.fault else ()

    def run(self, context: Context) -> Verdict:
        if self.outcome == "unavailable":
            raise UnavailableError(self.message, hint="install it")
        if self.outcome == "crash":
            raise RuntimeError(self.message)
        if self.outcome == "deep-fail":
            raise CheckFailedError(self.message)
        if self.outcome == "full":
            raise OSError(28, "No space left on device")
        if self.outcome == "fail":
            return failed(
                self.message,
                Finding("look here", path="app/a\x1b[31m.py", line=3, rule="R1", url="https://r1"),
                evidence=Evidence("a command", "this", "that", ("last \x1b]0;words\x07",)),
                hint="do better",
            )
        return passed(self.message)


class Waits(Kind, frozen=True):
    """Waits until the run is cancelled, or for the seconds given."""

    seconds: float = 60

    def run(self, context: Context) -> Verdict:
        context.run.cancel.wait(self.seconds)
        return passed("waited")


class Reads(Kind, frozen=True):
    """Reads a file of the work and says what it holds."""

    path: str

    def run(self, context: Context) -> Verdict:
        from scaffolder.workspace import read_text

        return passed(read_text(context.run.snapshot, self.path))


class Holds(Kind, frozen=True):
    """Passes where a file of the work holds a text."""

    path: str
    text: str

    def run(self, context: Context) -> Verdict:
        from scaffolder.workspace import read_text

        if self.text in read_text(context.run.snapshot, self.path):
            return passed(f"{self.path} holds {self.text!r}")
        return failed(f"{self.path} does not hold {self.text!r}")


class RunsIn(Kind, frozen=True):
    """Passes, and says what its commands run in."""

    requires: ClassVar[frozenset[Tool]] = frozenset({SANDBOX})

    def run(self, context: Context) -> Verdict:
        return passed(f"it ran in {context.run.sandbox.identity}")


TURNS = itertools.count()


class Flickers(Kind, frozen=True):
    """Passes and fails in turns."""

    def run(self, context: Context) -> Verdict:
        even = next(TURNS) % 2 == 0
        return passed("an even turn") if even else failed("this turn is an odd one")


MEETING = threading.Barrier(2)


class Meets(Kind, frozen=True):
    """Passes only where another check of this kind runs at the same time."""

    def run(self, context: Context) -> Verdict:
        MEETING.wait(timeout=5)
        return passed("met")


class InterruptsTidying(Kind, frozen=True):
    """Passes, and presses Ctrl-C when what it used is given back; says then that it was."""

    given_back: ClassVar[list[str]] = []

    def run(self, context: Context) -> Verdict:
        def give_back(name: str) -> None:
            signal.raise_signal(signal.SIGINT)
            self.given_back.append(name)

        context.run.shared.get("used", lambda: context.run.id, give_back)
        return passed("used something")


FAMILY = Family(
    name="test",
    package="tests.support",
    kinds={
        "test.ends": "labs:Ends",
        "test.waits": "labs:Waits",
        "test.reads": "labs:Reads",
        "test.meets": "labs:Meets",
        "test.holds": "labs:Holds",
        "test.runs_in": "labs:RunsIn",
        "test.flickers": "labs:Flickers",
        "test.interrupts_tidying": "labs:InterruptsTidying",
    },
)

HEAD = """\
version: "1"
title: A lab for tests
summary: Nothing is taught here.
track: tests
level: beginner
minutes: 1
skills: [testing]
template: tiny
"""


def task(name: str, outcome: str = "pass", points: int = 10, needs: str = "") -> str:
    """Return the YAML of a task with one check that ends as told."""
    return textwrap.indent(
        f"- id: {name}\n"
        f"  title: The task {name}\n"
        f"  points: {points}\n"
        f"  needs: [{needs}]\n"
        f"  hints: [a nudge, nearly the answer]\n"
        f"  checks:\n"
        f"    - {{id: {name}-check, kind: test.ends, outcome: {outcome}}}\n",
        "  ",
    )


def alone(lab: Lab, task: Task, *checks: CheckSpec) -> Lab:
    """Return the lab with only these checks of this task, which needs nothing."""
    only = msgspec.structs.replace(task, needs=(), checks=checks)
    return msgspec.structs.replace(lab, tasks=(only,))


class Catalog:
    """A catalog folder in which tests write labs."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        template = root / "templates" / "tiny"
        rendered = template / "{{cookiecutter.name}}"
        rendered.mkdir(parents=True)
        (template / "cookiecutter.json").write_text(
            '{"name": "tiny-service", "size": ["small", "large"], "_patterns": {"name": "[a-z-]+"}}'
        )
        (rendered / "app.py").write_text('NAME = "{{cookiecutter.name}}"\n')
        (root / "labs").mkdir()
        monkeypatch.setattr(catalog, "find_root", lambda: root)
        monkeypatch.setattr(families, "FAMILIES", (FAMILY, *FAMILIES))

    def lab(self, tasks: str, name: str = "tested", head: str = HEAD) -> Path:
        """Write a lab with these tasks (YAML) and return its folder."""
        folder = self.root / "labs" / name
        (folder / "solution").mkdir(parents=True)
        (folder / "start").mkdir()
        (folder / "lab.yaml").write_text(f"{head}tasks:\n{tasks}")
        (folder / "instructions.md").write_text("# Do it\n\n<!-- devlab:tasks -->\n")
        (folder / "mistakes.yaml").write_text("mistakes: []\n")
        return folder
