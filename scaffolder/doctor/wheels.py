"""What rehearsals of pipelines install: are the wheels in the cache, or can they be fetched?"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from scaffolder.doctor.needs import LabNeeds
from scaffolder.model.readiness import Observation, Requirement, Status
from scaffolder.tools import network, wheelhouse
from scaffolder.tools.processes import CancelToken

_SECONDS = 3.0


def look_at_wheels(labs: Iterable[LabNeeds], *, offline: bool) -> tuple[Observation, ...]:
    """Look whether every Python of this machine has the wheels that the labs' pipelines install.

    One Python that has them is enough to grade; a pipeline that names another cannot be.
    """
    cancel = CancelToken()
    pythons = wheelhouse.pythons(cancel)
    wanted = {one.wheels for one in labs if Requirement.WHEELS in one.requirements}
    ready = [minor for minor in pythons if all(wheelhouse.has(each, minor) for each in wanted)]
    lacking = [minor for minor in pythons if minor not in ready]
    if not lacking:
        return (_wheels(Status.OK, f"here for Python {_named(ready)}"),)
    why = "" if offline else _why_not_fetched(cancel)
    here = f"here for Python {_named(ready)} only" if ready else "not here"
    if offline or why:
        reason = f", and no package index is reached: {why}" if why else ""
        status = Status.WARNING if ready else Status.MISSING
        return (_wheels(status, f"{here}{reason}"),)
    told = _wheels(Status.WARNING, f"{here} yet: the first check fetches them")
    # One Python that has them is enough to grade.
    return (msgspec.structs.replace(told, fetched_on_use=not ready),)


def _why_not_fetched(cancel: CancelToken) -> str:
    return network.why_unreachable(wheelhouse.index(cancel), _SECONDS)


def _named(minors: Iterable[int]) -> str:
    return ", ".join(f"3.{minor}" for minor in minors)


def _wheels(status: Status, message: str) -> Observation:
    return Observation(
        id=Requirement.WHEELS,
        title="wheels for pipelines",
        status=status,
        message=message,
        fix=() if status is Status.OK else ("devlab doctor --fetch",),
    )
