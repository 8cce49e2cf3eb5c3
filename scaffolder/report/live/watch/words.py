"""What can happen to watch, what can be done about it, and what can be shown."""

from __future__ import annotations

from dataclasses import dataclass

from scaffolder.model import Lab, Problem, Report, events


@dataclass(frozen=True)
class Running:
    """A check that runs: since when, on the clock of the events, and what it says that it is at."""

    since: float
    text: str = ""


# What covers the failure on the screen.


@dataclass(frozen=True)
class Page:
    """Something to read; `key` is the key that asked for it.

    A hint is for the failures `answers` of `task`, and is put away when none of them is left.
    """

    title: str
    text: str
    key: str = ""
    task: str = ""
    answers: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Choice:
    """One of several files, to be reset."""

    title: str
    options: tuple[str, ...]
    index: int = 0


@dataclass(frozen=True)
class Question:
    """Something to read and to answer with yes or no; `then` is done on yes."""

    title: str
    text: str
    then: Effect


# What happens.


@dataclass(frozen=True)
class Saved:
    """Files were saved.

    `paths` is what to tell of it, `touched` the tasks whose verdict may be another now; `lab` says
    that the lab itself changed.
    """

    paths: tuple[str, ...]
    touched: frozenset[str]
    lab: bool = False


@dataclass(frozen=True)
class Resumed:
    """devlab was stopped (Ctrl-Z) and goes on; who knows what happened meanwhile."""


@dataclass(frozen=True)
class LabRead:
    """The lab of a run was read again."""

    run: int
    lab: Lab


@dataclass(frozen=True)
class Told:
    """Grading told something, at a time in seconds on any steady clock."""

    run: int
    event: events.Event
    at: float


@dataclass(frozen=True)
class Ended:
    """A run came to its report."""

    run: int
    report: Report


@dataclass(frozen=True)
class Failed:
    """A run could not be made: the workspace or the lab is broken."""

    run: int
    problem: Problem


@dataclass(frozen=True)
class Shown:
    """What an effect found to show."""

    page: Page | Choice | Question


@dataclass(frozen=True)
class Pressed:
    """A key: a character, or `up`, `down`, `pageup`, `pagedown`, `home`, `end`, `enter`, `escape`.

    `rows` is how many lines of text fit on the screen, `last` the largest offset that makes sense.
    """

    key: str
    rows: int = 10
    last: int = 0


Event = Saved | Resumed | LabRead | Told | Ended | Failed | Shown | Pressed


# What is to be done.


@dataclass(frozen=True)
class Grade:
    """Cancel the run that is under way, if any, and start the one of this number.

    `afresh` asks every check again; `lab` reads the lab again first.
    """

    run: int
    afresh: bool = False
    lab: bool = False


@dataclass(frozen=True)
class TakeHint:
    """Show the next hint for a task that fails as the report says, and remember it."""

    task: str
    report: Report


@dataclass(frozen=True)
class ShowTask:
    """Show what the instructions say of a task."""

    task: str


@dataclass(frozen=True)
class ShowSolution:
    """Show what leads from the learner's files to the reference answer, of a task or of all."""

    task: str = ""


@dataclass(frozen=True)
class ListChanged:
    """Offer the files that differ from the start."""


@dataclass(frozen=True)
class PreviewReset:
    """Show what resetting a file would change, and ask."""

    path: str


@dataclass(frozen=True)
class ResetFile:
    """Put a file back to the start."""

    path: str


@dataclass(frozen=True)
class Leave:
    """End the program."""


Effect = Grade | TakeHint | ShowTask | ShowSolution | ListChanged | PreviewReset | ResetFile | Leave
