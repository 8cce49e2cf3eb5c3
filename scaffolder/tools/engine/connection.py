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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaffolder.errors import UnavailableError

RUN_LABEL = "devlab.run"
_ANSWER_SECONDS = 60
_INSTALL = "https://docs.docker.com/engine/install/"


@dataclass(frozen=True)
class Engine:
    """An engine that answered. `api` is the SDK's low-level client.

    `published_on` is the address of the engine's machine that ports are published on, `reached_at`
    the host name under which they are reached from here.
    """

    api: Any
    published_on: str = "127.0.0.1"
    reached_at: str = "127.0.0.1"


def endpoint() -> str:
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
    home = os.environ.get("HOME", "")
    config = Path(os.environ.get("DOCKER_CONFIG") or Path(home, ".docker"))
    try:
        name = os.environ.get("DOCKER_CONTEXT") or json.loads(
            (config / "config.json").read_text("utf-8")
        ).get("currentContext")
        if not name or name == "default":
            return ""
        folder = hashlib.sha256(name.encode()).hexdigest()
        meta = json.loads((config / "contexts/meta" / folder / "meta.json").read_text("utf-8"))
        return str(meta["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def connect() -> Engine:
    """Return the engine of this machine.

    Raises UnavailableError where there is none, it does not run, or this user may not use it;
    the hint is what mends that on this system.
    """
    address = endpoint()
    _raise_unless_reachable(address)
    import docker  # 0.2 s that `devlab list` need not pay

    with trouble():
        try:
            client = docker.from_env(
                environment={**os.environ, "DOCKER_HOST": address},
                timeout=_ANSWER_SECONDS,
                version="auto",
            )
        except docker.errors.DockerException as error:
            raise UnavailableError(
                f"the Docker Engine at {address} does not answer: {_innermost(error)}",
                hint=_start_hint(),
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
        _raise_unless_reachable(endpoint())
    except UnavailableError:
        return False
    return True


def _raise_unless_reachable(address: str) -> None:
    """Raise UnavailableError where a look at the address shows that nobody will answer."""
    parts = urlsplit(address)
    if parts.scheme == "ssh":
        raise UnavailableError(
            f"the Docker Engine is at {address}, and published ports are not reached through ssh",
            hint="choose an engine on this machine: docker context use default",
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
            hint="sudo usermod -aG docker $USER   then log in again",
        ) from error
    except OSError as error:
        installed = shutil.which("docker") or shutil.which("dockerd")
        if installed:
            raise UnavailableError(
                f"Docker is installed but its engine does not run ({parts.path})",
                hint=_start_hint(),
            ) from error
        raise UnavailableError("Docker is not installed", hint=_install_hint()) from error


def _start_hint() -> str:
    if platform.system() == "Darwin":
        return "open -a Docker"
    if platform.system() == "Windows":
        return "start Docker Desktop"
    if Path("/run/systemd/system").is_dir():
        return "sudo systemctl start docker"
    return "sudo service docker start"


def _install_hint() -> str:
    if platform.system() == "Darwin":
        return "brew install --cask docker"
    if Path("/etc/debian_version").exists():
        return f"sudo apt-get install docker.io   (or see {_INSTALL})"
    return f"see {_INSTALL}"


@contextlib.contextmanager
def trouble() -> Iterator[None]:
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
            f"the Docker Engine stopped answering: {_innermost(error)}", hint=_start_hint()
        ) from error


def require_answer(engine: Engine) -> None:
    """Raise UnavailableError where the engine is gone, which makes other things fail as well."""
    from docker.errors import APIError

    with trouble(), contextlib.suppress(APIError):
        engine.api.ping()


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error)
