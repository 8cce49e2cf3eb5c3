"""The Docker Engine and what is in it: does it answer, can it build, are the base images there?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from scaffolder.checks.docker.base_images import IMAGE_PREFIX, list_image_names
from scaffolder.checks.docker.tools import ENGINE
from scaffolder.core.errors import UnavailableError
from scaffolder.model.readiness import Observation, Status
from scaffolder.model.tool import Demand
from scaffolder.tools import engine, system
from scaffolder.tools.disk_room import measure_room
from scaffolder.tools.engine import About, Engine, building, mending

# What an engine may take for one answer; one that works takes milliseconds.
ANSWER_SECONDS = 5
# A clock in a virtual machine that slept is off by as long; certificates bear minutes.
_CLOCK_SECONDS = 60.0


def read_version() -> str:
    """Return the engine's version; raises UnavailableError where no engine can be used."""
    return engine.examine(engine.connect()).version


def look_at_engine(demand: Demand) -> tuple[Observation, ...]:
    """Look for the engine, at its clock, builder and room, and for the images in it.

    Raises UnavailableError where no engine can be used.
    """
    connected = engine.connect(ANSWER_SECONDS)
    about = engine.examine(connected)
    found = [_engine(about), *_clock(about)]
    if about.local and about.root.is_dir():
        found.append(measure_room("engine-disk", "room for images", about.root))
    return (
        *found,
        _builder(),
        *_images(connected, list_image_names(demand), offline=demand.offline),
    )


def _builder() -> Observation:
    """Look whether a docker command here can build with BuildKit, for which it asks the engine."""
    cli = building.find_buildkit_cli()
    return Observation(
        id="buildkit",
        title="BuildKit",
        status=Status.OK if cli else Status.WARNING,
        message=cli
        or "no docker command here has it: the old builder is used, which knows neither"
        " RUN --mount nor COPY --link; a Dockerfile with those is not graded",
        fix=() if cli else mending.install_buildx(),
    )


def _engine(about: About) -> Observation:
    words = [
        about.address,
        about.chosen,
        "rootless" if about.rootless else "",
        about.storage,
        f"{about.processors} processors" if about.processors else "",
        f"{about.memory / 1e9:.1f} GB of memory" if about.memory else "",
        "with a proxy" if about.proxy else "",
    ]
    message = ", ".join(word for word in words if word)
    if about.too_old:
        message = f"too old for some checks: {message}"
    return Observation(
        id=ENGINE.id,
        title=about.name,
        status=Status.WARNING if about.too_old else Status.OK,
        message=message,
        version=about.version,
        advice="update it: https://docs.docker.com/engine/install/" if about.too_old else "",
    )


def _clock(about: About) -> Iterator[Observation]:
    """Yield the engine's clock where it is not ours, as after a virtual machine slept."""
    off = abs(about.behind)
    if off < _CLOCK_SECONDS:
        return
    here = system.detect_system()
    yield Observation(
        id="engine-clock",
        title="the engine's clock",
        status=Status.WARNING,
        message=f"{off:.0f} seconds {'behind' if about.behind > 0 else 'ahead of'} this machine's;"
        " downloads in a build may fail for it",
        fix=(here.as_root("hwclock -s"),) if here.wsl else (),
        advice="" if here.wsl else "start the engine, or its virtual machine, anew",
    )


def _images(connected: Engine, names: Iterable[str], *, offline: bool) -> Iterator[Observation]:
    deaf: dict[str, str] = {}  # registries that did not answer need not be asked for every image
    for name in names:
        standin = engine.is_standin(connected, name)
        if standin is not None:
            message = "here, a stand-in built on this machine" if standin else "here"
            yield _image(name, Status.OK, message)
        elif offline:
            yield _image(name, Status.MISSING, "not here")
        elif why := _refusal(connected, name, deaf):
            yield _image(name, Status.MISSING, f"not here, and the engine cannot get it: {why}")
        else:
            yield msgspec.structs.replace(
                _image(name, Status.WARNING, "not here yet: the first build gets it"),
                fetched_on_use=True,
            )


def _refusal(connected: Engine, name: str, deaf: dict[str, str]) -> str:
    """Return why the engine cannot get an image, "" where it can; add to `deaf` who is silent."""
    registry = _registry(name)
    if registry not in deaf:
        try:
            return engine.why_not_offered(connected, name)
        except UnavailableError as error:
            deaf[registry] = error.message
    return deaf[registry]


def _registry(name: str) -> str:
    """Return the registry that an image's name names, "" for none: that of the engine's choice."""
    first, slash, _ = name.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else ""


def _image(name: str, status: Status, message: str) -> Observation:
    return Observation(
        id=f"{IMAGE_PREFIX}{name}",
        title=name,
        status=status,
        message=message,
        fix=() if status is Status.OK else (f"docker pull {name}",),
    )
