"""What a learner did, as values, and what that comes to: where the learner stands.

Everything here was said by the grader on a learner's own machine. It tells a learner where they
stand; it is no certificate, for whoever owns a file can write to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from scaffolder.model import Lab, Report
from scaffolder.model.skills import SKILLS, resolve_skills

_LEVELS = ("introduction", "beginner", "intermediate", "advanced", "expert")

State = Literal["new", "begun", "done"]


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
    tasks: int
    points: int
    skills: tuple[str, ...]
    at: datetime


class WorkspaceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in one workspace.

    `attempts` counts finished check runs; `best` is the most points earned in one of them, of
    `best_of`, all points of the lab. `hints` says for each task how many of its hints were used;
    `at` when something was done last.
    """

    key: Key
    attempts: int = 0
    best: int = 0
    best_of: int = 0
    at: datetime | None = None
    passed: Mapping[str, Passed] = {}
    hints: Mapping[str, int] = {}


class Records(msgspec.Struct, frozen=True):
    """All that is kept: the workspaces, those checked last first, and the labs by id."""

    workspaces: tuple[WorkspaceRecord, ...] = ()
    labs: Mapping[str, LabNote] = {}


class KeptReport(Report, frozen=True, kw_only=True):
    """A report that was kept, and when it was made (UTC)."""

    when: datetime


class LabStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What was done of a lab, in whichever workspaces.

    `gained` are the points of the tasks that passed once, of `points`; `best` the most points
    earned in one check run, of `best_of`. `passed` says when a task passed first. A lab that is
    not `installed` is known from when it was checked last. `skills` as `skills_of` says.
    """

    id: str
    title: str
    track: str = ""
    level: str = ""
    minutes: int = 0
    installed: bool
    points: int
    gained: int
    tasks: int
    passed: Mapping[str, datetime]
    attempts: int
    best: int
    best_of: int
    hints: int
    skills: tuple[str, ...]

    @property
    def state(self) -> State:
        """Whether everything passed, something was tried, or nothing was."""
        if self.tasks and len(self.passed) >= self.tasks:
            return "done"
        return "begun" if self.attempts or self.hints or self.passed else "new"


class SkillStanding(msgspec.Struct, frozen=True):
    """The points gained in a skill, those that the labs here offer for it, and which labs do.

    `elsewhere` are points gained in labs that are not installed any more: no total has them.
    """

    id: str
    title: str
    gained: int
    points: int
    labs: tuple[str, ...]
    elsewhere: int = 0


class Standing(msgspec.Struct, frozen=True):
    """Where a learner stands: each lab, the eight skills, and other skills that labs name."""

    labs: tuple[LabStanding, ...]
    skills: tuple[SkillStanding, ...]
    others: tuple[SkillStanding, ...]

    @property
    def here(self) -> tuple[LabStanding, ...]:
        """The labs that can still be done; what was gained in others stays, beside these."""
        return tuple(lab for lab in self.labs if lab.installed)

    @property
    def gained(self) -> int:
        """Points of all tasks that passed, of the labs that are here."""
        return sum(lab.gained for lab in self.here)

    @property
    def points(self) -> int:
        """All points that there are."""
        return sum(lab.points for lab in self.here)

    @property
    def done(self) -> int:
        """How many of the labs that are here are done."""
        return sum(lab.state == "done" for lab in self.here)


def rank_level(level: str) -> int:
    """Return the place of a level among the usual ones; one of an author's own comes last."""
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def compute_standing(labs: Sequence[Lab], records: Records) -> Standing:
    """Return where the learner of the records stands among the labs that are installed here.

    What counts for a skill are the points of passed tasks of the labs with that skill: a lab with
    two skills counts for both, a task that passed in two workspaces once. Labs that are not here
    count for no total, of the skills as of all points: what was gained in them is told beside.
    """
    installed = {lab.id for lab in labs}
    standings = (
        *(_of_lab(lab, _done_in(records, lab.id)) for lab in labs),
        *(
            _of_note(note, _done_in(records, note.id))
            for note in records.labs.values()
            if note.id not in installed
        ),
    )
    named = dict.fromkeys(skill for lab in standings for skill in lab.skills)
    eight = {skill.id: skill.title for skill in SKILLS}
    others = {name: name for name in sorted(named) if name not in eight}
    return Standing(standings, _of_skills(eight, standings), _of_skills(others, standings))


def _of_skills(titles: Mapping[str, str], labs: Sequence[LabStanding]) -> tuple[SkillStanding, ...]:
    teaching = {name: [lab for lab in labs if name in lab.skills] for name in titles}
    return tuple(
        SkillStanding(
            name,
            title,
            sum(lab.gained for lab in teaching[name] if lab.installed),
            sum(lab.points for lab in teaching[name] if lab.installed),
            tuple(lab.id for lab in teaching[name] if lab.installed),
            sum(lab.gained for lab in teaching[name] if not lab.installed),
        )
        for name, title in titles.items()
    )


class _Done(msgspec.Struct, frozen=True):
    """What the records of one lab's workspaces say together."""

    passed: Mapping[str, Passed]
    attempts: int
    best: int
    best_of: int
    hints: int


def _done_in(records: Records, lab_id: str) -> _Done:
    workspaces = [one for one in records.workspaces if one.key.lab == lab_id]
    best = max(workspaces, key=lambda one: one.best / (one.best_of or 1), default=None)
    return _Done(
        _first_passes(one.passed for one in workspaces),
        sum(one.attempts for one in workspaces),
        best.best if best else 0,
        best.best_of if best else 0,
        sum(sum(one.hints.values()) for one in workspaces),
    )


def _first_passes(all_passed: Iterable[Mapping[str, Passed]]) -> dict[str, Passed]:
    first: dict[str, Passed] = {}
    for passed in all_passed:
        for task, found in passed.items():
            if task not in first or found.at < first[task].at:
                first[task] = found
    return first


def _of_lab(lab: Lab, done: _Done) -> LabStanding:
    """Return the standing in a lab as it is now: its tasks and points, not those of once."""
    passed = [task for task in lab.tasks if task.id in done.passed]
    return LabStanding(
        id=lab.id,
        title=lab.title,
        track=lab.track,
        level=lab.level,
        minutes=lab.minutes,
        installed=True,
        points=lab.points,
        gained=sum(task.points for task in passed),
        tasks=len(lab.tasks),
        passed={task.id: done.passed[task.id].at for task in passed},
        attempts=done.attempts,
        best=done.best,
        best_of=done.best_of,
        hints=done.hints,
        skills=resolve_skills(lab.skills),
    )


def _of_note(lab: LabNote, done: _Done) -> LabStanding:
    gained = sum(one.points for one in done.passed.values())
    return LabStanding(
        id=lab.id,
        title=lab.title,
        installed=False,
        points=max(lab.points, gained),
        gained=gained,
        tasks=lab.tasks,
        passed={task: one.at for task, one in done.passed.items()},
        attempts=done.attempts,
        best=done.best,
        best_of=done.best_of,
        hints=done.hints,
        skills=resolve_skills(lab.skills),
    )
