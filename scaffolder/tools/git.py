"""Sole owner of git: make repositories, fetch those of somebody else, merge trees of files."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from scaffolder.core.errors import DevlabError, UnavailableError, WorkFaultError
from scaffolder.tools import processes
from scaffolder.tools.network import names_failure
from scaffolder.tools.processes import CancelToken, Completed, Ending
from scaffolder.tools.system import detect_system
from scaffolder.tools.versions import ask_version

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
    # What is committed is for the work to say, not for the settings of whoever sits here.
    *("-c", "core.excludesFile=/dev/null", "-c", "maintenance.auto=false"),
)
# Merging: bytes are bytes, whatever a name is on some other disk.
_AS_IT_IS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"),
    *("-c", "core.autocrlf=false", "-c", "core.protectNTFS=false", "-c", "core.protectHFS=false"),
    *("-c", "core.fsync=none", "-c", "core.quotePath=false", "-c", "core.precomposeUnicode=false"),
)
# What was moved is found again. git 2.39 dies ("cache entry has null sha1") where both sides moved
# links to one place; then it is asked again to look for less.
_MOVED = (
    ("-c", "merge.renames=true", "-c", "merge.directoryRenames=true"),
    ("-c", "merge.renames=true", "-c", "merge.directoryRenames=false"),
    ("-c", "merge.renames=false", "-c", "merge.directoryRenames=false"),
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
# A repository's settings can name a program that fetches what is missing in it: nothing is fetched.
# Older versions of git know only the one or the other.
_CLOSED = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
# Who asks, too: of a token alone nobody knows that it is one. The last @ ends it.
_SECRET = re.compile(r"(://)[^/\s]*@")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


# The files of a tree by their paths: git's mode, such as 100644, and the content.
Files = Mapping[str, tuple[str, bytes]]


def is_available() -> bool:
    return shutil.which("git") is not None


def read_version() -> str:
    """Return git's version; raises UnavailableError where it is missing or does not run."""
    if not is_available():
        raise UnavailableError(
            "git is not installed",
            fix=detect_system().install(
                dict.fromkeys(("apt-get", "dnf", "pacman", "apk", "brew"), "git")
            ),
        )
    return ask_version(("git", "--version"))


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


def begin(folder: Path, branch: str, *, cancel: CancelToken) -> None:
    """Make `folder` a repository without a commit, on `branch`; raises as `commit_as`."""
    words = ("init", "--quiet", "--template=", f"--initial-branch={branch}")
    _require_done(_git(words, folder, _environment(), cancel), folder)


def commit_as(folder: Path, message: str, author: str, *, cancel: CancelToken) -> str:
    """Commit everything that git takes, be it nothing, and return the commit's name.

    Raises WorkFaultError where git does not take what is there.
    """
    run_as(folder, author, "add", "--all", cancel=cancel)
    commit = ("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
    run_as(folder, author, *commit, cancel=cancel)
    return run_as(folder, author, "rev-parse", "HEAD", cancel=cancel)


def run_as(folder: Path, author: str, *arguments: str, cancel: CancelToken) -> str:
    """Run git as `author` in the repository `folder`, and return what it printed.

    Raises WorkFaultError where git refuses.
    """
    who = {"NAME": author, "EMAIL": f"{author}@users.noreply.github.com"}
    identity = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in who.items()
    }
    environment = {**_environment(), **identity, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = _git((*_QUIET, *arguments), folder, environment, cancel)
    _require_done(done, folder)
    return done.stdout.strip()


def _require_done(done: Completed, folder: Path) -> None:
    if not done.ok:
        said = " ".join(done.tail(3)).replace(f"{folder}/", "").removeprefix("fatal: ")
        what = said if done.ending is Ending.EXITED else f"git {done.ending.value}"
        raise WorkFaultError(f"git cannot commit the work: {what}")


def list_changed(folder: Path, ref: str, *, cancel: CancelToken) -> tuple[Path, tuple[Path, ...]]:
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


def list_first_commits(folder: Path, *, cancel: CancelToken) -> tuple[str, ...]:
    """Return the commits without a parent that HEAD of the repository at `folder` comes from.

    Of a shallow clone they are those at which it was cut off. Raises DevlabError where `folder` is
    not the top of a repository with a commit, UnavailableError without git.
    """
    # A repository further up is somebody else's.
    environment = {**_environment(), **_CLOSED, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = _git(("rev-list", "--max-parents=0", "HEAD", "--"), folder, environment, cancel)
    _require(done)
    return tuple(done.stdout.split())


def merge_trees(
    folder: Path, trees: Sequence[Files], labels: tuple[str, str], *, cancel: CancelToken
) -> tuple[str, ...]:
    """Merge two trees that come from a third, as git merges branches.

    `trees` are the common one, ours and theirs. `folder`, new and empty, becomes a repository of
    nobody's with the merged files, conflicts marked; `labels` stand at the marks, for ours and
    theirs, and in names such as `file~LABEL` where two things want one place. Returns the paths
    with conflicts, sorted. Raises DevlabError where git refuses, UnavailableError without it.
    """
    environment = _environment()

    def git(*arguments: str, stdin: bytes = b"") -> Completed:
        return _git((*_AS_IT_IS, *arguments), folder, environment, cancel, stdin=stdin)

    _require(git("init", "--quiet", "--template=", "--initial-branch=none"))
    attributes = folder / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    # They win over what the files' own .gitattributes say, whose marks nobody would find again.
    attributes.write_text(
        "* -text -eol -filter -ident -working-tree-encoding !merge !conflict-marker-size\n", "utf-8"
    )
    _require(git("fast-import", "--quiet", stdin=_history(trees)))
    known = git("rev-parse", "base", "ours", "theirs")
    _require(known)
    base, ours, theirs = known.stdout.split()
    environment |= {f"GITHEAD_{ours}": labels[0], f"GITHEAD_{theirs}": labels[1]}
    for moved in _MOVED:
        (folder / ".git" / "index.lock").unlink(missing_ok=True)
        _require(git("checkout", "--quiet", "--force", "ours"))
        _require(git("clean", "--quiet", "-dxff"))
        done = git(*moved, "merge-recursive", "--ignore-cr-at-eol", base, "--", ours, theirs)
        if done.returncode in (0, 1):
            break
    else:
        _require(done)
    left = git("ls-files", "--unmerged", "-z")
    _require(left)
    return tuple(sorted({line.split("\t", 1)[1] for line in left.stdout.split("\0") if line}))


def _history(trees: Sequence[Files]) -> bytes:
    """Return three commits as git's fast-import reads them: no file of them touches a disk."""
    parts: list[bytes] = []
    for name, files in zip(("base", "ours", "theirs"), trees, strict=True):
        parts.append(f"commit refs/heads/{name}\n".encode())
        parts.append(b"committer devlab <devlab@localhost> 0 +0000\ndata 0\n")
        if name != "base":
            parts.append(b"from refs/heads/base\ndeleteall\n")
        for path, (mode, content) in files.items():
            quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            parts.append(f'M {mode} inline "{quoted}"\ndata {len(content)}\n'.encode())
            parts += (content, b"\n")
    return b"".join(parts)


def hide_secret(text: str) -> str:
    """Return `text` with the names, passwords and tokens in its URLs blotted out."""
    return _SECRET.sub(r"\1***@", text)


def fetch(url: str, ref: str, folder: Path, *, cancel: CancelToken) -> str:
    """Check out a commit of the repository `url` in the empty `folder`; return its full name.

    `ref` is a branch, a tag or a commit, or empty for the default branch. Only that commit is
    fetched where the server can do so. Raises DevlabError where there is none, UnavailableError
    where git or the network is missing.
    """
    shown = hide_secret(url)
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
    said = hide_secret(said)
    if done.ending is Ending.TIMED_OUT:
        return UnavailableError(f"{shown} was not fetched within {_FETCH_SECONDS:.0f} seconds")
    if "unable to access" in said or names_failure(said):
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
    stdin: bytes = b"",
) -> Completed:
    return processes.run(
        ("git", *arguments),
        cwd=folder,
        env=environment,
        timeout=seconds,
        cancel=cancel,
        stdin=stdin,
    )


def _require(done: Completed) -> None:
    if not done.ok:
        raise DevlabError(f"git failed: {done.command}: {' '.join(done.tail(3))}")
