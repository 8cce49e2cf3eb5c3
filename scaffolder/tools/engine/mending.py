"""The commands that would bring an engine to answer, on this system. None of them is ever run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scaffolder.tools import system

_INSTALL = "https://docs.docker.com/engine/install/"
_USUAL = Path("/var/run/docker.sock")


def install() -> tuple[str, ...]:
    """Return the commands that install an engine and start it; none where none is known."""
    if shutil.which("podman"):
        return _podman()
    here = system.detect_system()
    installed = here.install(
        {
            "apt-get": "docker.io",
            "dnf": "moby-engine",
            "pacman": "docker",
            "apk": "docker",
            "brew": "--cask docker",
        }
    )
    # Debian's package starts the engine itself; macOS starts an application.
    if not installed or here.manager == "apt-get":
        return installed
    return (*installed, *start(""))


def advise() -> str:
    """Return what to do in words, with the address that tells more."""
    commands = "   then: ".join(install())
    return f"{commands}   (or see {_INSTALL})" if commands else f"see {_INSTALL}"


def start(address: str) -> tuple[str, ...]:
    """Return the commands that start the engine whose address is `address`."""
    here = system.detect_system()
    chosen = os.environ.get("DOCKER_HOST")
    if chosen and chosen == address and _USUAL.exists() and address != f"unix://{_USUAL}":
        # Somebody once set it, and another engine stands where one is looked for without it.
        return ("unset DOCKER_HOST",)
    if here.kind == "Darwin":
        return ("open -a Docker",)
    if "podman" in address:
        return _podman()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and address.startswith(f"unix://{runtime}/"):
        return ("systemctl --user start docker",)
    if here.init == "sysv" and not Path("/etc/init.d/docker").exists():
        return (here.as_root("sh -c 'dockerd > /var/log/dockerd.log 2>&1 &'"),)
    return here.service("docker", "start")


def wake(address: str) -> tuple[str, ...]:
    """Return the commands that help where something listens at `address` and does not answer."""
    if os.environ.get("DOCKER_HOST"):
        return start(address)
    here = system.detect_system()
    return here.service("docker", "restart") or start(address)


def permit(socket: Path) -> tuple[str, ...]:
    """Return the commands that let this user use the engine that listens on `socket`."""
    group = _group(socket)
    if system.is_in_group(group):
        # This session began before the user became a member.
        return (f"newgrp {group}",)
    here = system.detect_system()
    member = f"addgroup {system.find_user()} {group}" if here.manager == "apk" else ""
    member = member or f"usermod -aG {group} {system.find_user()}"
    return (here.as_root(member), f"newgrp {group}")


def install_buildx() -> tuple[str, ...]:
    """Return the command that installs Docker's builder of today."""
    packages: dict[system.Manager, str] = {
        "apt-get": "docker-buildx",
        "dnf": "docker-buildx",
        "pacman": "docker-buildx",
        "apk": "docker-cli-buildx",
        "brew": "docker-buildx",
    }
    # Where Docker's own packages are, the distribution's do not fit.
    if Path("/etc/apt/sources.list.d/docker.list").exists():
        packages["apt-get"] = "docker-buildx-plugin"
    return system.detect_system().install(packages)


def _podman() -> tuple[str, ...]:
    socket = "unix://$XDG_RUNTIME_DIR/podman/podman.sock"
    return ("systemctl --user start podman.socket", f"export DOCKER_HOST={socket}")


def _group(socket: Path) -> str:
    try:
        name = socket.group()
    except (OSError, KeyError, NotImplementedError):
        return "docker"
    # Nobody should be made a member of root's group.
    return "docker" if name in ("root", "wheel", "") else name
