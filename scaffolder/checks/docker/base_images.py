"""The base images that labs need: which they are, and getting them ahead of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from scaffolder.core.errors import UnavailableError, UnusableFileError
from scaffolder.model.tool import Demand, Download, Say
from scaffolder.tools import dockerfile, engine
from scaffolder.tools.engine import Engine
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import read_text

# What the ids of images begin with, where the doctor tells of them one by one.
IMAGE_PREFIX = "image:"


def list_images(states: Mapping[str, Path], dockerfiles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of the base images that Dockerfiles name in the states of a lab."""
    found: dict[str, None] = {}
    for folder in states.values():
        for path in dockerfiles:
            named = dockerfile.list_bases(_read_dockerfile(folder, path))
            found |= dict.fromkeys(f"{IMAGE_PREFIX}{name}" for name in named)
    return tuple(found)


def list_image_names(demand: Demand) -> list[str]:
    """Return the names of the images that labs demand."""
    return [part.removeprefix(IMAGE_PREFIX) for part in demand.all_parts]


def list_downloads(demand: Demand) -> Iterator[Download]:
    """Yield the images to pull; a stand-in stays, unless `replace_standins`."""
    try:
        connected = engine.connect()
    except UnavailableError as error:
        yield Download("images", "base images", _refusing(error))
        return
    for name in list_image_names(demand):
        get = _image(connected, name, demand.replace_standins)
        yield Download(f"{IMAGE_PREFIX}{name}", name, get)


def _read_dockerfile(folder: Path, path: str) -> str:
    """Return a Dockerfile's text; what cannot be read names nothing, and a check will say so."""
    try:
        return read_text(folder, path)
    except UnusableFileError:
        return ""


def _refusing(error: UnavailableError) -> Callable[[Say, CancelToken], str]:
    def get(say: Say, cancel: CancelToken) -> str:  # noqa: ARG001
        raise error

    return get


def _image(
    connected: Engine, name: str, replace_standins: bool
) -> Callable[[Say, CancelToken], str]:
    def get(say: Say, cancel: CancelToken) -> str:
        standin = engine.is_standin(connected, name)
        if standin and not replace_standins:
            return "a stand-in is here, and stays"
        if standin is False:
            return "here already"
        engine.pull(connected, name, say, cancel)
        return "pulled"

    return get
