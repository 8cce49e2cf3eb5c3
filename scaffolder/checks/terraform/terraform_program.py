"""Terraform's program: where it is, which version, and how it is installed here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scaffolder.core.errors import UnavailableError
from scaffolder.tools import system
from scaffolder.tools.versions import ask_version

_INSTALL = "install it from https://developer.hashicorp.com/terraform/install"
_APT = "https://apt.releases.hashicorp.com"
_KEY = "/usr/share/keyrings/hashicorp-archive-keyring.gpg"


def find_program() -> Path:
    """Return Terraform's program; raises UnavailableError where it is not installed."""
    found = shutil.which("terraform")
    if found is None:
        raise UnavailableError(
            "terraform is not installed here", hint=_INSTALL, fix=list_install_commands()
        )
    return Path(found)


def list_install_commands() -> tuple[str, ...]:
    """Return the commands that install Terraform on this system; none where none is known.

    They are HashiCorp's own, https://developer.hashicorp.com/terraform/install
    """
    here = system.detect_system()
    match here.manager:
        case "apt-get" if system.find_codename():
            source = f"deb [signed-by={_KEY}] {_APT} {system.find_codename()} main"
            listed = "/etc/apt/sources.list.d/hashicorp.list"
            return (
                f"curl -fsSL {_APT}/gpg | {here.as_root(f'gpg --dearmor -o {_KEY}')}",
                f'echo "{source}" | {here.as_root(f"tee {listed}")}',
                f"{here.as_root('apt-get update')} && {here.as_root('apt-get install terraform')}",
            )
        case "dnf":
            address = "https://rpm.releases.hashicorp.com/fedora/hashicorp.repo"
            return (
                here.as_root(f"dnf config-manager addrepo --from-repofile={address}"),
                here.as_root("dnf install terraform"),
            )
        case "brew":
            return ("brew tap hashicorp/tap", "brew install hashicorp/tap/terraform")
        case _:
            return here.install({"pacman": "terraform"})


def read_version() -> str:
    """Return Terraform's version; raises UnavailableError where it is missing or does not run."""
    # Otherwise it would ask its maker whether there is a newer one.
    return ask_version((find_program(), "version"), env={**os.environ, "CHECKPOINT_DISABLE": "1"})
