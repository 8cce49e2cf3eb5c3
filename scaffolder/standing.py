"""What a learner did, as values: one record for each workspace.

Everything here was said by the grader on a learner's own machine. It tells a learner where they
stand; it is no certificate, for whoever owns a file can write to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from scaffolder.model import Report


class Key(msgspec.Struct, frozen=True):
    """What tells one workspace from another: its folder, its lab, and the learner if any."""

    path: str
    lab: str
    learner: str = ""


class Passed(msgspec.Struct, frozen=True):
    """A task that passed once: the points that it had then, and when it did first."""

    points: int
    at: datetime


class LabNote(msgspec.Struct, frozen=True):
    """What was known of a lab when it was checked last: it may not be installed any more."""

    id: str
    version: str
    title: str
    points: int
    skills: tuple[str, ...]
    at: datetime


class WorkspaceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in one workspace: a folder, the lab in it, and the learner if it names one.

    `attempts` counts finished check runs; `best` is the most points earned in one of them, of
    `best_of`, all points of the lab. `hints` says for each task how many of its hints were used.
    """

    path: str
    lab: str
    learner: str = ""
    attempts: int = 0
    best: int = 0
    best_of: int = 0
    at: datetime
    passed: Mapping[str, Passed] = {}
    hints: Mapping[str, int] = {}


class Records(msgspec.Struct, frozen=True):
    """All that is kept: the workspaces, those checked last first, and the labs by id."""

    workspaces: tuple[WorkspaceRecord, ...] = ()
    labs: Mapping[str, LabNote] = {}


class KeptReport(Report, frozen=True, kw_only=True):
    """A report that was kept, and when it was made (UTC)."""

    when: datetime
