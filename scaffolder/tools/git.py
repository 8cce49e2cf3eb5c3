"""Sole owner of git: make a folder a repository with one commit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scaffolder.errors import DevlabError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken

_SECONDS = 60.0
_IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "devlab"), ("EMAIL", "devlab@localhost"))
}
# A caller's signing key, hooks and background maintenance have no business in these commits.
_QUIET = ("-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0")


def available() -> bool:
    """Whether git is there."""
    return shutil.which("git") is not None


def commit_all(
    folder: Path, message: str, *, cancel: CancelToken, ignored_too: bool = False
) -> None:
    """Make `folder` a repository on the branch main with everything in one commit.

    The author is whoever git knows here, else devlab. Files that .gitignore names stay out unless
    `ignored_too`. Raises DevlabError where git refuses, UnavailableError where it is missing.
    """
    environment = _environment()
    _git(("init", "--quiet", "--initial-branch=main"), folder, environment, cancel)
    _git(("add", "--all", *(["--force"] if ignored_too else [])), folder, environment, cancel)
    _git((*_QUIET, "commit", "--quiet", "--message", message), folder, environment, cancel)


def _environment() -> dict[str, str]:
    # GIT_DIR and its like would turn these commands onto the repository that devlab was called in.
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_"))
    }
    return inherited if _knows_author(inherited) else {**inherited, **_IDENTITY}


def _knows_author(environment: Mapping[str, str]) -> bool:
    if "GIT_AUTHOR_EMAIL" in environment:
        return True
    asked = processes.run(
        ("git", "config", "--get-regexp", r"^user\.(name|email)$"),
        env=environment,
        timeout=_SECONDS,
        cancel=CancelToken(),
    )
    return "user.name" in asked.stdout and "user.email" in asked.stdout


def _git(
    arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], cancel: CancelToken
) -> None:
    done = processes.run(
        ("git", *arguments), cwd=folder, env=environment, timeout=_SECONDS, cancel=cancel
    )
    if not done.ok:
        raise DevlabError(f"git failed in {folder}: {' '.join(done.tail(3))}")
