"""Sole owner of git: make a folder a repository with one commit; fetch one of somebody else's."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from scaffolder.errors import DevlabError, UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Completed, Ending

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
    *("-c", "core.fsync=none", "-c", "user.useConfigOnly=true", "-c", "core.fsmonitor=false"),
)
_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG")

_FETCH_SECONDS = 300.0
# Somebody else's repository: nothing in it runs, nothing asks, nothing else is fetched with it.
_GUARDED = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"),
    *("-c", "core.autocrlf=false", "-c", "submodule.recurse=false", "-c", "core.symlinks=true"),
    *("-c", "advice.detachedHead=false"),
)
_SILENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
# Who asks, too: of a token alone nobody knows that it is one. The last @ ends it.
_SECRET = re.compile(r"(://)[^/\s]*@")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_OFFLINE = re.compile(
    r"could not resolve|unable to access|unable to connect|connection (refused|timed out|reset)"
    r"|network is unreachable|no route to host|could not connect",
    re.IGNORECASE,
)


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


def changed_since(folder: Path, ref: str, *, cancel: CancelToken) -> tuple[Path, tuple[Path, ...]]:
    """Return the top of the repository that `folder` is in, and what differs there from `ref`.

    That is every file, by its whole path, that was changed, added, moved or deleted since the
    commit or branch `ref`, what is not committed and what git does not know yet included. Raises
    DevlabError where there is no repository or no such commit, UnavailableError without git.
    """
    environment = _environment()

    def git(*arguments: str) -> str:
        done = _git(arguments, folder, environment, cancel)
        if not done.ok:
            said = " ".join(done.tail(3)).removeprefix("fatal: ")
            raise DevlabError(f"git cannot compare {folder} with {ref!r}: {said}")
        return done.stdout

    top = Path(git("rev-parse", "--show-toplevel").rstrip("\n"))
    commit = git("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").strip()
    names = git("diff", "--name-only", "--no-renames", "-z", commit, "--", str(top))
    names += git("ls-files", "--others", "--exclude-standard", "--full-name", "-z", str(top))
    return top, tuple(top / name for name in names.split("\0") if name)


def without_secret(text: str) -> str:
    """Return `text` with the names, passwords and tokens in its URLs blotted out."""
    return _SECRET.sub(r"\1***@", text)


def fetch(url: str, ref: str, folder: Path, *, cancel: CancelToken) -> str:
    """Check out a commit of the repository `url` in the empty `folder`; return its full name.

    `ref` is a branch, a tag or a commit, or empty for the default branch. Only that commit is
    fetched where the server can do so. Raises DevlabError where there is none, UnavailableError
    where git or the network is missing.
    """
    shown = without_secret(url)
    environment = {**_environment(), **_SILENT}

    def git(*arguments: str) -> Completed:
        return _git((*_GUARDED, *arguments), folder, environment, cancel, _FETCH_SECONDS)

    _require(git("init", "--quiet", "--template=", "--initial-branch=main"))
    wanted = ref or "HEAD"
    quiet = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
    done = git(*quiet, "--depth=1", "--", url, wanted)
    found = "FETCH_HEAD"
    if not done.ok and _COMMIT.fullmatch(wanted):
        # Part of a commit's name, or a server that gives no commit by name: look in everything.
        everything = ("+refs/heads/*:refs/remotes/all/*", "+refs/tags/*:refs/tags/*")
        done = git(*quiet, "--", url, *everything)
        found = wanted
    if not done.ok:
        raise _unfetched(done, shown, ref)
    resolved = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{found}^{{commit}}")
    if not resolved.ok:
        raise DevlabError(f"{shown} has no commit {ref!r}")
    commit = resolved.stdout.strip()
    _require(git("checkout", "--quiet", "--force", "--detach", commit))
    return commit


def _unfetched(done: Completed, shown: str, ref: str) -> DevlabError:
    said = " ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
    said = without_secret(said)
    if done.ending is Ending.TIMED_OUT:
        return UnavailableError(f"{shown} was not fetched within {_FETCH_SECONDS:.0f} seconds")
    if _OFFLINE.search(said):
        return UnavailableError(
            f"cannot reach {shown}: {said}", hint="is the network there, and the address right?"
        )
    if "find remote ref" in said:
        return DevlabError(f"{shown} has no branch, tag or commit {ref or 'HEAD'!r}")
    return DevlabError(
        f"git cannot fetch {shown}: {said}",
        hint="is the address right, and may you read it? git is not allowed to ask for a password",
    )


def _environment() -> dict[str, str]:
    # GIT_DIR and its like would turn these commands onto the repository that devlab was called in.
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key.startswith(_KEPT)
    }


def _git(
    arguments: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    cancel: CancelToken,
    seconds: float = _SECONDS,
) -> Completed:
    return processes.run(
        ("git", *arguments), cwd=folder, env=environment, timeout=seconds, cancel=cancel
    )


def _require(done: Completed) -> None:
    if not done.ok:
        raise DevlabError(f"git failed: {done.command}: {' '.join(done.tail(3))}")
