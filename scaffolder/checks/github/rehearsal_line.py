"""What is heard from a rehearsal: the Pythons that steps asked for, and those that tests ran on."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path, PurePath

from scaffolder.checks.github.rehearsal_stage import choose_player
from scaffolder.checks.github.standins.programs import versions
from scaffolder.checks.pipeline.line import Line, Ran
from scaffolder.checks.pipeline.pythons import Interpreters, Version
from scaffolder.checks.planting.quiz import Quiz

JOB = "GITHUB_JOB"
# Where stand-ins leave the place of the Python that was asked for.
_PLACES = ("UV_PYTHON_REQUESTED", "pythonLocation")


def open_line(folder: Path, store: Path, quiz: Quiz, interpreters: Interpreters) -> Line:
    """Return the line of one rehearsal, in `folder`; what is uploaded is kept in `store`."""
    return Line(
        folder,
        store,
        quiz,
        interpreters.version_of,
        job_variable=JOB,
        variables=_PLACES,
        has_python=_has_python,
    )


def _has_python(place: str, minor: int) -> bool:
    """Whether a runner has such a Python, and the place is one that a program of ours makes."""
    name = f"3.{minor}"
    made = PurePath(place).name.startswith(f"python-{name}-")
    return (made or place == name) and versions.minor_of(name, True) == minor


def find_version(ran: Ran, requested: Mapping[str, int], here: Set[int]) -> Version | None:
    """Return the Python that a test ran on, or the one that was asked for and is not here.

    `requested` are the minor versions that were asked for, by their places; `here` those of this
    machine.
    """
    if ran.version is None:
        return None
    for name in _PLACES:
        asked = requested.get(ran.environment.get(name, ""))
        if asked is not None and asked not in here:
            return (3, asked) if choose_player(asked, here) == ran.version[1] else None
    return ran.version
