"""The words of `devlab doctor` as frozen values: what labs need, what is here, what that allows."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Status(StrEnum):
    """What became of looking for a thing.

    `warning`: it is not as it should be, and no task is ungraded for it. `missing`: the tasks that
    need it cannot be graded. `unneeded`: nothing that was asked about needs it here.
    """

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"
    UNNEEDED = "unneeded"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked for.

    `id` is that of a tool, of a part of one (`image:NAME`), or of a property of the machine. `fix`
    are the command lines that would mend it on this system, in their order; where no command can,
    `advice` says in words what would. `used_by` names the labs that need it. What is
    `fetched_on_use` is not here and may be had when it is needed: nobody can promise that.
    """

    id: str
    title: str
    status: Status
    message: str
    version: str = ""
    fix: tuple[str, ...] = ()
    advice: str = ""
    used_by: tuple[str, ...] = ()
    fetched_on_use: bool = False


class UngradedTask(msgspec.Struct, frozen=True):
    """A task that cannot be graded here, and the ids of what is missing for it."""

    id: str
    title: str
    points: int
    missing: tuple[str, ...]


class LabReadiness(msgspec.Struct, frozen=True):
    """What of a lab can be graded here. `problem` says why a lab could not be looked at.

    `pending` are tasks that count as gradable, provided that what is missing for them can be
    fetched by the first check that needs it.
    """

    id: str
    title: str
    points: int
    gradable: int
    ungraded: tuple[UngradedTask, ...] = ()
    problem: str = ""
    pending: tuple[UngradedTask, ...] = ()


class Readiness(msgspec.Struct, frozen=True):
    """Everything that the doctor found. `offline` tells that no network was reckoned with."""

    system: str
    offline: bool
    observations: tuple[Observation, ...]
    labs: tuple[LabReadiness, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and every lab can be graded in full."""
        missing = any(one.status is Status.MISSING for one in self.observations)
        return not missing and all(
            lab.gradable == lab.points and not lab.problem for lab in self.labs
        )


class FetchStarted(msgspec.Struct, frozen=True):
    """Something is being fetched; `key` is its id, `label` what it is called."""

    key: str
    label: str


class FetchSaid(msgspec.Struct, frozen=True):
    """How far a fetch is, in words."""

    key: str
    label: str
    text: str


class FetchEnded(msgspec.Struct, frozen=True):
    """A fetch is over: what came of it, or why nothing did (`trouble`) and what would mend it."""

    key: str
    label: str
    seconds: float
    came: str = ""
    trouble: str = ""
    hint: str = ""


FetchEvent = FetchStarted | FetchSaid | FetchEnded
