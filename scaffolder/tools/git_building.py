"""Build a repository from commits that are given as values: the same ids everywhere.

Nothing of whoever sits here has a say: no settings, no templates, no hooks, no clock. git reads the
commits as fast-import takes them, so no conversion of line ends can touch a content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.tools import processes
from scaffolder.tools.git import Files, read_version
from scaffolder.tools.processes import CancelToken, Completed
from scaffolder.tools.system_facts import SYSTEM_PATH

_SECONDS = 60.0
# As a repository is when nobody has set anything; these win over what it says itself.
_PLAIN = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false"),
    *("-c", "core.attributesFile=/dev/null", "-c", "core.excludesFile=/dev/null"),
    *("-c", "core.logAllRefUpdates=false", "-c", "core.fsync=none", "-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false", "-c", "advice.detachedHead=false"),
)
CLOSED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class NewTag:
    """A tag: annotated where it has a message."""

    name: str
    message: str = ""


@dataclass(frozen=True)
class NewCommit:
    """A commit with all of its files. `parents` are the places of earlier ones in the sequence.

    `author` is `Name <mail>`, `when` seconds since the epoch and an offset, as git writes it.
    """

    message: str
    author: str
    when: str
    files: Files
    parents: Sequence[int] = ()
    tags: Sequence[NewTag] = field(default_factory=tuple)


def build_repository(
    folder: Path,
    commits: Sequence[NewCommit],
    branches: Mapping[str, int],
    checked_out: str,
    *,
    cancel: CancelToken,
) -> tuple[str, ...]:
    """Make the empty `folder` a repository with these commits; return their full names.

    `branches` are the names of branches and the places of their last commits; the files of the one
    `checked_out` stand in the folder. Raises DevlabError where git refuses, UnavailableError where
    it is missing.
    """
    read_version()
    marks = folder / ".git" / "marks"

    def git(*arguments: str, stdin: bytes = b"") -> Completed:
        done = processes.run(
            ("git", *_PLAIN, *arguments),
            cwd=folder,
            env=_environment(folder),
            timeout=_SECONDS,
            cancel=cancel,
            stdin=stdin,
        )
        if not done.ok:
            raise DevlabError(f"git cannot build the history: {' '.join(done.tail(3))}")
        return done

    git("init", "--quiet", "--template=", "--object-format=sha1", f"--initial-branch={checked_out}")
    stream = b"".join(_write(commits, branches))
    git("fast-import", "--quiet", "--done", f"--export-marks={marks}", stdin=stream)
    git("reset", "--quiet", "--hard")
    told = dict(line.split() for line in marks.read_text("ascii").splitlines())
    for left in (marks, marks.with_name("ORIG_HEAD")):
        left.unlink(missing_ok=True)
    return tuple(told[f":{number}"] for number in range(1, len(commits) + 1))


def exclude_paths(folder: Path, patterns: Sequence[str]) -> None:
    """Have the repository in `folder` take no notice of some paths, without a file in its tree."""
    place = folder / ".git" / "info"
    place.mkdir(exist_ok=True)
    (place / "exclude").write_text("".join(f"{one}\n" for one in patterns), "utf-8")


def _environment(folder: Path) -> dict[str, str]:
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "devlab"), ("EMAIL", "devlab@localhost"))
    }
    path = os.environ.get("PATH", SYSTEM_PATH)
    return {**CLOSED, **who, "PATH": path, "GIT_CEILING_DIRECTORIES": str(folder.parent)}


def _write(commits: Sequence[NewCommit], branches: Mapping[str, int]) -> Iterator[bytes]:
    """Yield what fast-import reads."""
    for mark, commit in enumerate(commits, start=1):
        who = f"{commit.author} {commit.when}"
        yield f"commit refs/devlab/building\nmark :{mark}\n".encode()
        yield f"author {who}\ncommitter {who}\n".encode()
        yield _data(_message(commit.message))
        for number, parent in enumerate(commit.parents):
            yield f"{'merge' if number else 'from'} :{parent + 1}\n".encode()
        yield b"deleteall\n"
        for path, (mode, content) in sorted(commit.files.items()):
            yield f"M {mode} inline {_quote(path)}\n".encode()
            yield _data(content)
        # Else the next one without a parent would get this one.
        yield b"reset refs/devlab/building\n\n"
        for tag in commit.tags:
            if tag.message:
                yield f"tag {tag.name}\nfrom :{mark}\ntagger {who}\n".encode()
                yield _data(_message(tag.message))
            else:
                yield f"reset refs/tags/{tag.name}\nfrom :{mark}\n\n".encode()
    for name, place in branches.items():
        yield f"reset refs/heads/{name}\nfrom :{place + 1}\n\n".encode()
    yield b"done\n"


def _message(text: str) -> bytes:
    return f"{text.strip()}\n".encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quote(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
