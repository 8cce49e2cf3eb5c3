"""What pipelines and suites of tests install: wheels in the cache, or to be fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from scaffolder.checks.common_tools import WHEELS
from scaffolder.core.errors import UnavailableError
from scaffolder.model.readiness import Observation, Status
from scaffolder.model.tool import Demand, Download, Say
from scaffolder.tools import network, uv_cache, wheelhouse
from scaffolder.tools.processes import CancelToken

_SECONDS = 3.0


def list_wheels(states: Mapping[str, Path], _: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requirements that the work of a lab installs, from the lab's start."""
    return wheelhouse.list_requirements(states["start"])


def list_downloads(demand: Demand) -> Iterator[Download]:
    """Yield the wheels to fetch, lab by lab; labs that install the same share them."""
    for wanted, lab_id in {parts: lab_id for lab_id, parts in demand.parts.items()}.items():
        yield Download(f"wheels:{lab_id}", f"wheels for {lab_id}", _fetching(wanted))


def _fetching(wanted: tuple[str, ...]) -> Callable[[Say, CancelToken], str]:
    def get(say: Say, cancel: CancelToken) -> str:
        pythons = wheelhouse.find_pythons(cancel)
        made: dict[int, Path] = {}
        troubles: list[UnavailableError] = []
        there = [minor for minor in pythons if wheelhouse.has(wanted, minor)]
        for number, minor in enumerate(pythons, start=1):
            say(f"Python 3.{minor}, {number} of {len(pythons)}")
            try:
                made[minor] = wheelhouse.prepare(wanted, minor, cancel)
            except UnavailableError as error:
                # A package may have no wheel for a Python as new, or as old, as this one.
                troubles.append(error)
        if not made:
            raise troubles[0]
        say("unpacking them")
        uv_cache.prepare(made, {minor: pythons[minor] for minor in made}, cancel)
        named = ", ".join(f"3.{minor}" for minor in made)
        return f"{'here already' if there == list(made) else 'fetched'} for Python {named}"

    return get


def look_at_wheels(demand: Demand) -> tuple[Observation, ...]:
    """Look whether every Python of this machine has the wheels that the labs' work installs.

    One Python that has them is enough to grade; a pipeline that names another cannot be.
    """
    cancel = CancelToken()
    pythons = wheelhouse.find_pythons(cancel)
    wanted = set(demand.parts.values())
    ready = [minor for minor in pythons if all(wheelhouse.has(each, minor) for each in wanted)]
    lacking = [minor for minor in pythons if minor not in ready]
    if not lacking:
        return (_wheels(Status.OK, f"here for Python {_named(ready)}"),)
    why = "" if demand.offline else _why_not_fetched(cancel)
    here = f"here for Python {_named(ready)} only" if ready else "not here"
    if demand.offline or why:
        reason = f", and no package index is reached: {why}" if why else ""
        status = Status.WARNING if ready else Status.MISSING
        return (_wheels(status, f"{here}{reason}"),)
    told = _wheels(Status.WARNING, f"{here} yet: the first check fetches them")
    # One Python that has them is enough to grade.
    return (msgspec.structs.replace(told, fetched_on_use=not ready),)


def _why_not_fetched(cancel: CancelToken) -> str:
    return network.why_unreachable(wheelhouse.find_index(cancel), _SECONDS)


def _named(minors: Iterable[int]) -> str:
    return ", ".join(f"3.{minor}" for minor in minors)


def _wheels(status: Status, message: str) -> Observation:
    return Observation(
        id=WHEELS.id,
        title=WHEELS.title,
        status=status,
        message=message,
        fix=() if status is Status.OK else ("devlab doctor --fetch",),
    )
