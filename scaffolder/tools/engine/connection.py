"""Find the engine, speak to it, and say what mends it where it does not answer."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine import mending

RUN_LABEL = "devlab.run"
_ANSWER_SECONDS = 60


class Engine(msgspec.Struct, frozen=True):
    """An engine that answered. `api` is the SDK's low-level client.

    `published_on` is the address of the engine's machine that ports are published on, `reached_at`
    the host name under which they are reached from here.
    """

    api: Any
    published_on: str = "127.0.0.1"
    reached_at: str = "127.0.0.1"


def explain_choice() -> str:
    """Return what decided which engine is asked, in words."""
    if os.environ.get("DOCKER_HOST"):
        return "chosen by DOCKER_HOST"
    if _context_endpoint():
        return f"chosen by the docker context {_context_name()}"
    if _context_name() not in ("", "default"):
        return (
            f"the usual one, for the docker context {_context_name()} is gone ({_leave_context()})"
        )
    return ""


def find_endpoint() -> str:
    """Return the address of the engine that the docker CLI would use, without asking anyone.

    DOCKER_HOST wins, then the chosen docker context, then the usual sockets: the system's, Docker
    Desktop's, a rootless engine's.
    """
    chosen = os.environ.get("DOCKER_HOST") or _context_endpoint()
    if chosen:
        return chosen
    if platform.system() == "Windows":
        return "npipe:////./pipe/docker_engine"
    usual = [Path("/var/run/docker.sock")]
    if home := os.environ.get("HOME"):
        usual.append(Path(home, ".docker/run/docker.sock"))
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        usual.append(Path(runtime, "docker.sock"))
    return f"unix://{next((path for path in usual if path.exists()), usual[0])}"


def _context_endpoint() -> str:
    """Return the endpoint of the docker context that is in use, or nothing."""
    name = _context_name()
    if not name or name == "default":
        return ""
    folder = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta = json.loads((_config() / "contexts/meta" / folder / "meta.json").read_text("utf-8"))
        return str(meta["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _context_name() -> str:
    """Return the name of the docker context that is in use, or nothing."""
    if os.environ.get("DOCKER_CONTEXT"):
        return os.environ["DOCKER_CONTEXT"]
    try:
        settings = json.loads((_config() / "config.json").read_text("utf-8"))
        return str(settings.get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def _leave_context() -> str:
    """Return the command after which no docker context decides."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        if os.environ.get(name):
            return f"unset {name}"
    return "docker context use default"


def _config() -> Path:
    home = os.environ.get("HOME", "")
    return Path(os.environ.get("DOCKER_CONFIG") or Path(home, ".docker"))


def connect(seconds: int = _ANSWER_SECONDS) -> Engine:
    """Return the engine of this machine, which may take `seconds` for each of its answers.

    Raises UnavailableError where there is none, it does not run, or this user may not use it;
    the hint is what mends that on this system.
    """
    address = find_endpoint()
    _raise_unless_reachable(address)
    import docker  # 0.2 s that `devlab list` need not pay

    with translate_engine_errors():
        try:
            client = docker.from_env(
                environment={**os.environ, "DOCKER_HOST": address},
                timeout=seconds,
                version="auto",
            )
        except docker.errors.DockerException as error:
            raise UnavailableError(
                f"the Docker Engine at {address} does not answer: {_innermost(error)}",
                fix=mending.wake(address),
            ) from error
    parts = urlsplit(address)
    if parts.scheme in ("tcp", "http", "https"):
        host = parts.hostname or "127.0.0.1"
        local = host in ("127.0.0.1", "localhost", "::1")
        return Engine(client.api, "127.0.0.1" if local else "0.0.0.0", host)  # noqa: S104
    return Engine(client.api)


def is_there() -> bool:
    """Whether an engine may answer; quick where it cannot: a look at the socket, no import."""
    try:
        _raise_unless_reachable(find_endpoint())
    except UnavailableError:
        return False
    return True


def _raise_unless_reachable(address: str) -> None:
    """Raise UnavailableError where a look at the address shows that nobody will answer."""
    parts = urlsplit(address)
    if parts.scheme == "ssh":
        raise UnavailableError(
            f"the Docker Engine is at {address}, and published ports are not reached through ssh",
            hint=f"choose an engine on this machine: {_leave_context()}",
        )
    if parts.scheme != "unix":
        return
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            probe.connect(parts.path)
    except PermissionError as error:
        raise UnavailableError(
            f"this user may not use the Docker Engine ({parts.path})",
            fix=mending.permit(Path(parts.path)),
        ) from error
    except OSError as error:
        installed = shutil.which("docker") or shutil.which("dockerd")
        if installed:
            chosen = explain_choice()
            raise UnavailableError(
                f"no Docker Engine answers at {address}, {chosen}"
                if chosen
                else f"Docker is installed but its engine does not run ({parts.path})",
                fix=mending.start(address),
            ) from error
        raise UnavailableError(
            "Docker is not installed", hint=mending.advise(), fix=mending.install()
        ) from error


@contextlib.contextmanager
def translate_engine_errors() -> Iterator[None]:
    """Turn an engine that went away in the middle into UnavailableError."""
    import requests  # as slow as the SDK that brings it

    try:
        yield
    except requests.exceptions.ReadTimeout:
        raise
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        if "timed out" in str(error).lower():
            raise
        raise UnavailableError(
            f"the Docker Engine stopped answering: {_innermost(error)}",
            fix=mending.start(find_endpoint()),
        ) from error


def require_answer(engine: Engine) -> None:
    """Raise UnavailableError where the engine is gone, which makes other things fail as well."""
    from docker.errors import APIError

    with translate_engine_errors(), contextlib.suppress(APIError):
        engine.api.ping()


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error)
