"""What the engine says of itself, and what it has: for whoever wants to know what works here."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine.connection import (
    Engine,
    explain_choice,
    find_endpoint,
    translate_engine_errors,
)
from scaffolder.tools.engine.images import inspect_image
from scaffolder.tools.processes import CancelToken
from scaffolder.tools.versions import parse_version

# A stand-in for an official image carries it; see ci/images.
STANDIN_LABEL = "devlab.standin"
# Docker 19.03: what the checks ask of an engine (health checks, limits, labels on builds).
OLDEST_API = "1.40"


@dataclass(frozen=True)
class About:
    """An engine that answered.

    `name` is Docker Engine or Podman; `root` the folder of its images on its own machine, which is
    this one where `local`; `behind` the seconds that its clock is behind ours (negative: ahead);
    `proxy` tells whether it has one set; `chosen` what decided that it is asked.
    """

    address: str
    name: str
    version: str
    api: str
    system: str
    rootless: bool
    local: bool
    storage: str
    processors: int
    memory: int
    root: Path
    behind: float
    proxy: bool
    chosen: str

    @property
    def too_old(self) -> bool:
        """Whether it is older than what the checks ask of it."""
        return parse_version(self.api) < parse_version(OLDEST_API)


def examine(engine: Engine) -> About:
    """Ask the engine what it is; raises UnavailableError where it stops answering."""
    with _bounded():
        before = time.time()
        info = engine.api.info()
        asked = (before + time.time()) / 2
        version = engine.api.version()
    address = find_endpoint()
    components = {str(one.get("Name", "")) for one in version.get("Components") or ()}
    podman = any(name.startswith("Podman") for name in components)
    clock = _seconds(info.get("SystemTime") or "")
    return About(
        address=address,
        name="Podman" if podman else "Docker Engine",
        version=str(version.get("Version", "")),
        api=str(version.get("ApiVersion", "")),
        system=str(info.get("OperatingSystem", "")),
        rootless=any("rootless" in str(one) for one in info.get("SecurityOptions") or ()),
        local=urlsplit(address).scheme == "unix",
        storage=str(info.get("Driver", "")),
        processors=int(info.get("NCPU") or 0),
        memory=int(info.get("MemTotal") or 0),
        root=Path(info.get("DockerRootDir") or "/var/lib/docker"),
        behind=0.0 if clock is None else asked - clock,
        proxy=bool(info.get("HttpProxy") or info.get("HttpsProxy")),
        chosen=explain_choice(),
    )


def is_standin(engine: Engine, name: str) -> bool | None:
    """Whether the image of this name stands in for the real one; None where there is no image."""
    with _bounded():
        image = inspect_image(engine, name)
    return None if image is None else bool((image.config.get("Labels") or {}).get(STANDIN_LABEL))


def why_not_offered(engine: Engine, name: str) -> str:
    """Return why its registry does not give the engine this image, or "" where it does.

    The engine itself is made to ask, for the registry may be reached from its machine or by its
    proxy alone. Only the description of the image is asked for. Raises UnavailableError where the
    registry, or the engine, gives no answer, whichever image it is asked for.
    """
    from docker.errors import APIError

    try:
        with _bounded():
            engine.api.inspect_distribution(name)
    except APIError as error:
        # The engine has a status of its own for an image that is unknown or not for everybody.
        if error.is_server_error():
            raise UnavailableError(_reason(error)) from error
        return _reason(error)
    return ""


def pull(engine: Engine, name: str, say: Callable[[str], None], cancel: CancelToken) -> None:
    """Make the engine get an image; `say` is told how far it is.

    Raises UnavailableError with the registry's reason. When `cancel` is set, the engine is hung up
    on and stops; what it has of the image then is no image yet.
    """
    from docker.errors import APIError

    repository, tag = _split(name)
    layers: dict[str, tuple[int, int]] = {}
    try:
        with translate_engine_errors():
            stream = engine.api.pull(repository, tag=tag, stream=True, decode=True)
            for message in stream:
                cancel.raise_if_cancelled()
                if "error" in message:
                    raise UnavailableError(f"the registry says: {message['error']}")
                if told := _progress(message, layers):
                    say(told)
    except APIError as error:
        raise UnavailableError(_reason(error)) from error


def _split(name: str) -> tuple[str, str]:
    """Return repository and tag of an image's name; a digest counts as a tag."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def _progress(message: Mapping[str, Any], layers: dict[str, tuple[int, int]]) -> str:
    detail = message.get("progressDetail") or {}
    if message.get("status") != "Downloading" or not detail.get("total"):
        return str(message.get("status", "")) if not layers else ""
    layers[str(message.get("id"))] = (int(detail.get("current", 0)), int(detail["total"]))
    done = sum(current for current, _ in layers.values())
    total = sum(total for _, total in layers.values())
    return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Turn an engine that takes too long, or goes away, into UnavailableError."""
    import requests

    try:
        with translate_engine_errors():
            yield
    except (requests.exceptions.Timeout, requests.exceptions.ConnectionError) as error:
        raise UnavailableError("the Docker Engine does not answer in time") from error


def _reason(error: Any) -> str:
    """Return what an engine gave as the reason, without the address of its own API."""
    return " ".join(str(error.explanation or error).split())


def _seconds(text: str) -> float | None:
    """Return the time that an engine gives, as seconds since the epoch."""
    # Its nanoseconds are more than Python reads; whole seconds do here.
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
