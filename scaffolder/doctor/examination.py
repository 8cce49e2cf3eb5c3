"""Look at everything that some labs need, side by side, and tell what can be graded here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from scaffolder.core.errors import UnavailableError
from scaffolder.core.log import write_log
from scaffolder.doctor import engine, machine, programs, wheels
from scaffolder.doctor.needs import LabNeeds, TaskNeeds
from scaffolder.doctor.side_by_side import side_by_side
from scaffolder.model.readiness import (
    LabReadiness,
    Observation,
    Readiness,
    Requirement,
    Status,
    UngradedTask,
)
from scaffolder.tools import system

# What all looks together may take; a machine that is well is done in one or two.
PATIENCE_SECONDS = 30.0

Look = Callable[[], tuple[Observation, ...]]

_TITLES: Mapping[str, str] = {
    **{requirement: one.title for requirement, one in programs.PROGRAMS.items()},
    Requirement.ENGINE: engine.TITLE,
    Requirement.IMAGES: "base images",
    Requirement.WHEELS: "wheels for pipelines",
    Requirement.SANDBOX: "bubblewrap",
    Requirement.TRUST: "trust",
}
_MACHINE: Mapping[str, Look] = {
    "python": machine.look_at_python,
    machine.TEMPORARY: machine.look_at_folders,
    "memory": machine.look_at_strength,
    "clock": machine.look_at_clock,
    "proxies": machine.look_at_proxies,
    "caches": machine.look_at_caches,
}


def examine(
    labs: Sequence[LabNeeds], *, offline: bool = False, seconds: float = PATIENCE_SECONDS
) -> Readiness:
    """Look for everything that the labs need and return what was found, within `seconds`.

    With `offline` nobody on any network is asked, and what is not here counts as missing.
    Otherwise what is not here may be fetched when it is needed: the engine is made to ask its
    registry for an image that is missing, and the package index is connected to where wheels are.
    """
    looks = {**_looks(labs, offline=offline), **_MACHINE}
    seen = side_by_side(looks, seconds=seconds)
    found = [one for name, result in seen.items() for one in _observed(name, result, seconds)]
    found += _trust(labs)
    found += _unneeded(labs)
    lacking = {one.id for one in found if one.status is Status.MISSING}
    hoped_for = {one.id for one in found if one.fetched_on_use}
    return Readiness(
        system=system.here().name,
        offline=offline,
        observations=tuple(
            msgspec.structs.replace(one, used_by=_users(one.id, labs)) for one in found
        ),
        labs=tuple(_readiness(one, lacking, hoped_for) for one in labs),
    )


def _looks(labs: Sequence[LabNeeds], *, offline: bool) -> dict[str, Look]:
    needed = _needed(labs)
    looks: dict[str, Look] = {
        requirement: functools.partial(programs.look_at_program, requirement)
        for requirement in programs.PROGRAMS
        if requirement in needed
    }
    if Requirement.ENGINE in needed:
        images = frozenset[str]().union(*(one.images for one in labs))
        looks[Requirement.ENGINE] = functools.partial(
            engine.look_at_engine, images, offline=offline
        )
    if Requirement.WHEELS in needed:
        looks[Requirement.WHEELS] = functools.partial(wheels.look_at_wheels, labs, offline=offline)
    if Requirement.SANDBOX in needed:
        looks[Requirement.SANDBOX] = programs.look_at_sandbox
    return looks


def _needed(labs: Iterable[LabNeeds]) -> frozenset[Requirement]:
    return frozenset[Requirement]().union(*(one.requirements for one in labs))


def _observed(
    name: str, result: tuple[Observation, ...] | BaseException, seconds: float
) -> tuple[Observation, ...]:
    """Return what a look came to, also where it raised something or is not back."""
    if isinstance(result, tuple):
        return result
    if isinstance(result, UnavailableError):
        return (programs.missing(name, _TITLES.get(name, name), result),)
    if isinstance(result, TimeoutError):
        why = f"did not answer within {seconds:.0f} seconds"
    else:
        log = write_log(f"doctor: {name}", result)
        why = f"could not be looked at: {result} ({log} tells more)"
    # What decides about points may not be taken for there.
    decides = name in (*Requirement, machine.TEMPORARY)
    status = Status.MISSING if decides else Status.WARNING
    title = _TITLES.get(name, name.replace("-", " "))
    return (Observation(id=name, title=title, status=status, message=why),)


def _trust(labs: Iterable[LabNeeds]) -> list[Observation]:
    """Return the packs whose test files do not run because they are not trusted."""
    packs = {one.lab.id.partition("/")[0] for one in labs if Requirement.TRUST in one.requirements}
    if not packs:
        return []
    return [
        Observation(
            id=Requirement.TRUST,
            title="trust",
            status=Status.MISSING,
            message=f"test files of {', '.join(sorted(packs))} run only where they are trusted",
            fix=tuple(f"devlab pack trust {pack}" for pack in sorted(packs)),
        )
    ]


def _unneeded(labs: Iterable[LabNeeds]) -> list[Observation]:
    return [
        Observation(
            id=requirement,
            title=_TITLES[requirement],
            status=Status.UNNEEDED,
            message="not needed here",
        )
        for requirement in Requirement
        if requirement not in _needed(labs) and requirement is not Requirement.TRUST
    ]


def _users(what: str, labs: Iterable[LabNeeds]) -> tuple[str, ...]:
    aliases = {"buildkit": Requirement.ENGINE, "engine-disk": Requirement.ENGINE}
    aliases |= {"engine-clock": Requirement.ENGINE}
    return tuple(
        one.lab.id
        for one in labs
        if aliases.get(what, what) in one.requirements or what in _image_ids(one.images)
    )


def _image_ids(images: Iterable[str]) -> set[str]:
    return {f"image:{name}" for name in images}


def _readiness(needs: LabNeeds, lacking: set[str], hoped_for: set[str]) -> LabReadiness:
    ungraded = _tasks_without(needs, lacking)
    lost = {one.id for one in ungraded}
    pending = tuple(one for one in _tasks_without(needs, hoped_for) if one.id not in lost)
    points = needs.lab.points
    return LabReadiness(
        id=needs.lab.id,
        title=needs.lab.title,
        points=points,
        gradable=points - sum(one.points for one in ungraded),
        ungraded=ungraded,
        problem=needs.problem,
        pending=pending,
    )


def _tasks_without(needs: LabNeeds, lacking: set[str]) -> tuple[UngradedTask, ...]:
    return tuple(
        UngradedTask(one.task.id, one.task.title, one.task.points, tuple(sorted(missing)))
        for one in needs.tasks
        if (missing := _missing(one, lacking))
    )


def _missing(needs: TaskNeeds, lacking: set[str]) -> set[str]:
    """Return the ids of what is missing for a task; without an engine, images say nothing more."""
    required = {str(one) for one in needs.requirements} | _image_ids(needs.images)
    if Requirement.ENGINE in needs.requirements:
        required.add("engine-disk")
    return lacking & {*required, machine.TEMPORARY}
