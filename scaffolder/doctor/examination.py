"""Look at everything that some labs need, side by side, and tell what can be graded here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from scaffolder.checks.families import list_tools
from scaffolder.core.errors import UnavailableError
from scaffolder.core.log import write_log
from scaffolder.doctor import machine
from scaffolder.doctor.needs import LabNeeds, TaskNeeds, collect_demand
from scaffolder.doctor.side_by_side import run_side_by_side
from scaffolder.model.readiness import LabReadiness, Observation, Readiness, Status, UngradedTask
from scaffolder.model.tool import Demand, Tool
from scaffolder.tools import system

# What all looks together may take; a machine that is well is done in one or two.
PATIENCE_SECONDS = 30.0

Look = Callable[[], tuple[Observation, ...]]

_MACHINE: Mapping[str, Look] = {
    "python": machine.look_at_python,
    machine.TEMPORARY: machine.look_at_folders,
    "memory": machine.look_at_strength,
    "clock": machine.look_at_clock,
    "proxies": machine.look_at_proxies,
    "caches": machine.look_at_caches,
}


def examine_labs(
    labs: Sequence[LabNeeds], *, offline: bool = False, seconds: float = PATIENCE_SECONDS
) -> Readiness:
    """Look for everything that the labs need and return what was found, within `seconds`.

    With `offline` nobody on any network is asked, and what is not here counts as missing.
    Otherwise what is not here may be fetched when it is needed: the engine is made to ask its
    registry for an image that is missing, and the package index is connected to where wheels are.
    """
    tools = list_tools()
    demands = {tool: collect_demand(labs, tool, offline=offline) for tool in tools}
    needed = {tool: demand for tool, demand in demands.items() if demand.parts}
    looks: dict[str, Look] = {
        **{tool.id: functools.partial(tool.observe, one) for tool, one in needed.items()},
        **_MACHINE,
    }
    seen = run_side_by_side(looks, seconds=seconds)
    found = [
        one
        for tool, demand in needed.items()
        for one in _about_tool(tool, demand, seen.pop(tool.id), seconds)
    ]
    found += [
        _Seen(one, name)
        for name, result in seen.items()
        for one in _observed(name, name.replace("-", " "), result, seconds)
    ]
    return Readiness(
        system=system.detect_system().name,
        offline=offline,
        observations=(
            *(one.observation for one in found),
            *(_unneeded(tool) for tool in tools if tool not in needed and not tool.quiet),
        ),
        labs=tuple(_readiness(one, found) for one in labs),
    )


@dataclass(frozen=True)
class _Seen:
    """An observation, and the id of the tool, of the part, or of the machine that it is about."""

    observation: Observation
    about: str


def _about_tool(
    tool: Tool, demand: Demand, result: tuple[Observation, ...] | BaseException, seconds: float
) -> Iterator[_Seen]:
    """Yield what a look for a tool came to, with the labs that need it, or that part of it."""
    for one in _observed(tool.id, tool.title, result, seconds):
        users = tuple(lab_id for lab_id, parts in demand.parts.items() if one.id in parts)
        about = one.id if users else tool.id
        used_by = users or tuple(demand.parts)
        yield _Seen(msgspec.structs.replace(one, used_by=used_by), about)


def _unneeded(tool: Tool) -> Observation:
    return Observation(
        id=tool.id, title=tool.title, status=Status.UNNEEDED, message="not needed here"
    )


def _observed(
    name: str, title: str, result: tuple[Observation, ...] | BaseException, seconds: float
) -> tuple[Observation, ...]:
    """Return what a look came to, also where it raised something or is not back."""
    if isinstance(result, tuple):
        return result
    if isinstance(result, UnavailableError):
        return (_missing_tool(name, title, result),)
    if isinstance(result, TimeoutError):
        why = f"did not answer within {seconds:.0f} seconds"
    else:
        log = write_log(f"doctor: {name}", result)
        why = f"could not be looked at: {result} ({log} tells more)"
    # What decides about points may not be taken for there.
    decides = name not in _MACHINE or name == machine.TEMPORARY
    status = Status.MISSING if decides else Status.WARNING
    return (Observation(id=name, title=title, status=status, message=why),)


def _missing_tool(name: str, title: str, error: UnavailableError) -> Observation:
    return Observation(
        id=name,
        title=title,
        status=Status.MISSING,
        message=error.message,
        fix=error.fix,
        advice="" if error.fix else error.hint,
    )


def _readiness(needs: LabNeeds, found: Sequence[_Seen]) -> LabReadiness:
    lacking = [one for one in found if one.observation.status is Status.MISSING]
    ungraded = _tasks_without(needs, lacking)
    lost = {one.id for one in ungraded}
    hoped_for = [one for one in found if one.observation.fetched_on_use]
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


def _tasks_without(needs: LabNeeds, lacking: Sequence[_Seen]) -> tuple[UngradedTask, ...]:
    return tuple(
        UngradedTask(one.task.id, one.task.title, one.task.points, tuple(sorted(missing)))
        for one in needs.tasks
        if (missing := _missing(one, lacking))
    )


def _missing(needs: TaskNeeds, lacking: Sequence[_Seen]) -> set[str]:
    return {
        one.observation.id
        for one in lacking
        if one.about in needs.ids or one.observation.id == machine.TEMPORARY
    }
