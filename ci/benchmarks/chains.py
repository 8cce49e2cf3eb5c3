"""Cold checks of the labs against the calls of real tools that they cannot do without."""

from __future__ import annotations

import sys
from pathlib import Path

import bare_engine
import bare_terraform
from measuring import NotHereError, Pair, checked_cold, command, solved

from scaffolder.checks.terraform import terraform_provider
from scaffolder.core.errors import UnavailableError


def everything(folder: Path) -> Pair:
    """A check of containerize-flask, and a script that makes the same calls."""
    work = solved("containerize-flask", folder)
    return checked_cold(work), _engine("containerize_flask", work)


def engine(lab: str, chains: tuple[str, ...], folder: Path) -> Pair:
    """A check of a lab of images, and the slowest of its chains of engine calls."""
    work = solved(lab, folder)
    return checked_cold(work), max(_engine(chain, work) for chain in chains)


def _engine(script: str, work: Path) -> float:
    return command(sys.executable, bare_engine.__file__, script, work)


def terraform(folder: Path) -> Pair:
    """A check of terraform-stubs, and its Terraform commands."""
    try:
        provider = terraform_provider.find()
    except UnavailableError as error:
        raise NotHereError(error.message) from error
    work = solved("terraform-stubs", folder)
    ours = checked_cold(work)
    return ours, command(sys.executable, bare_terraform.__file__, provider, work)
