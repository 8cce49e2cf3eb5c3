"""Sole owner of git: make a folder a repository with one commit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scaffolder.errors import DevlabError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Completed

_SECONDS = 60.0
_IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "devlab"), ("EMAIL", "devlab@localhost"))
}
# A caller's signing key, hooks and background maintenance have no business in these commits.
# Nobody loses anything if a power cut takes a repository that was made a moment ago.
_QUIET = (
    *("-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0"),
    *("-c", "core.fsync=none", "-c", "user.useConfigOnly=true"),
)
_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG")


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
    _require(_git(("init", "--quiet", "--initial-branch=main"), folder, environment, cancel))
    everything = ("add", "--all", *(["--force"] if ignored_too else []))
    _require(_git((*_QUIET, *everything), folder, environment, cancel))
    commit = (*_QUIET, "commit", "--quiet", "--message", message)
    if not _git(commit, folder, environment, cancel).ok:
        # Most often there is no author: asking git first would cost those who have one.
        _require(_git(commit, folder, {**environment, **_IDENTITY}, cancel))


def _environment() -> dict[str, str]:
    # GIT_DIR and its like would turn these commands onto the repository that devlab was called in.
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key.startswith(_KEPT)
    }


def _git(
    arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], cancel: CancelToken
) -> Completed:
    return processes.run(
        ("git", *arguments), cwd=folder, env=environment, timeout=_SECONDS, cancel=cancel
    )


def _require(done: Completed) -> None:
    if not done.ok:
        raise DevlabError(f"git failed: {done.command}: {' '.join(done.tail(3))}")
