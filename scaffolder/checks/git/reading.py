"""Read a repository with git itself, in the sandbox, from a copy with nobody's settings.

Its packs are packed anew with all that its refs reach, and unpacked elsewhere, where git works out
the name of every object from its content: what an index, a cache or a file's name claimed has no
say. What is reached is what a push of everything would send; reflogs are not asked.
"""

from __future__ import annotations

import os
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.git.objects import GitCommit, GitRepository, parse_repository
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import DevlabError, NotShownError, WorkFaultError
from scaffolder.core.suggest import suggest_name
from scaffolder.core.text import sanitize_line
from scaffolder.tools.command import Command, Limits
from scaffolder.tools.git import read_version
from scaffolder.tools.git_building import CLOSED
from scaffolder.tools.processes import Ending
from scaffolder.workspace import copy_repository

_LIMITS = Limits(cpu_seconds=300, file_mb=300, total_memory_mb=3072, disk_mb=2048)
_REFS_LIMIT = 8 * 2**20
# For the copy `$1`. What is written is read by the grader: plain files in the command's own folder.
_SCRIPT = """\
set -eu
copy=$1 format=$2
git init --quiet --bare --template= --object-format="$format" fresh
git --git-dir="$copy" for-each-ref --format='%(objectname) %(refname)' > refs
git --git-dir="$copy" symbolic-ref --quiet HEAD > head || :
git --git-dir="$copy" rev-parse --quiet --verify HEAD > at || :
git --git-dir="$copy" pack-objects --quiet --all --window=0 --stdout < /dev/null > pack
git --git-dir=fresh index-pack --stdin < pack > /dev/null
git --git-dir=fresh cat-file --batch-all-objects --batch --buffer > objects
"""


def read_work(context: Context) -> GitRepository:
    """Return the repository that the work lies in, read once for all checks of a run.

    Raises WorkFaultError where it cannot be read, UnavailableError where git is missing or cannot
    read the lab's own here either.
    """
    return context.run.shared.get("git.work", lambda: _read_work(context))


def read_original(context: Context) -> GitRepository:
    """Return the repository that the lab's learners begin with, read once for a run."""
    return context.run.shared.get("git.original", lambda: _read_original(context))


def _read_work(context: Context) -> GitRepository:
    read_version()
    copy = context.run.repository
    if copy is None:
        raise AssertionError("no check of this run says that it looks at the repository")
    if copy.trouble:
        raise WorkFaultError(f"the repository cannot be looked at: {copy.trouble}")
    context.say("reading the repository")
    try:
        return _read(context, copy.folder, "repository")
    except WorkFaultError:
        trouble = context.run.control("git.read", lambda: read_original(context))
        if trouble is not None:
            raise trouble from None
        raise


def _read_original(context: Context) -> GitRepository:
    read_version()
    folder = context.run.folder("original") / "copy.git"
    copy = copy_repository(context.run.history().folder, folder)
    return _read(context, copy.folder, "original")


def _read(context: Context, copy: Path, name: str) -> GitRepository:
    place = context.run.folder(f"git-{name}")
    settings = (copy / "config").read_text("utf-8")
    done = context.run.sandbox.run(
        Command(
            argv=("/bin/sh", "-c", _SCRIPT, "sh", copy, _find_format(settings)),
            cwd=place,
            timeout=context.shared_timeout(lambda check: check.reads_history),
            env=CLOSED,
            visible=(copy,),
            limits=_LIMITS,
        ),
        context.run.cancel,
    )
    if not done.ok:
        said = " ".join(done.tail(2)).removeprefix("fatal: ").replace(str(copy), ".git")
        if "reftable" in said or "refstorage" in said.lower():
            raise NotShownError(
                "the git of this machine does not read how this repository keeps its refs",
                hint="git refs migrate --ref-format=files",
            )
        what = said if done.ending is Ending.EXITED else f"git {done.ending.value}"
        raise WorkFaultError(
            f"git cannot read this repository: {sanitize_line(what) or 'too large'}"
        )
    lines = _read_plain(place / "refs").split("\n")
    refs = {ref: told for told, _, ref in (line.partition(" ") for line in lines) if ref}
    head, at = (_read_plain(place / one).strip() for one in ("head", "at"))
    return parse_repository(place / "objects", refs, head, at)


def _find_format(settings: str) -> str:
    return "sha256" if "sha256" in settings else "sha1"


def _read_plain(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return file.read(_REFS_LIMIT).decode("utf-8", "surrogateescape")


def find_branch(work: GitRepository, name: str) -> GitCommit:
    """Return the last commit of a branch; raises CheckFailedError where there is none."""
    branches = work.branches
    commit = work.peel(branches.get(name, ""))
    if commit is None:
        shown = ", ".join(sorted(branches)[:10]) or "none"
        raise CheckFailedError(
            f"there is no branch {name!r}{suggest_name(name, branches)}; branches: "
            f"{sanitize_line(shown)}"
        )
    return commit


def find_original(context: Context, label: str) -> GitCommit:
    """Return the commit that history.yaml has under an id; raises DevlabError without one."""
    labels = context.run.history().labels
    if label not in labels:
        raise DevlabError(f"history.yaml has no commit {label!r}{suggest_name(label, labels)}")
    return read_original(context).commits[labels[label]]


def select_same(work: GitRepository, original: GitCommit, among: set[str]) -> list[GitCommit]:
    """Return the commit that is an original one, or what became of it where it is gone.

    Who rebases, amends, cherry-picks or rewrites a commit keeps its author and the author's time,
    which no two commits of a lab's history share.
    """
    if original.name in among:
        return [work.commits[original.name]]
    return select_copies(work, original, among)


def select_copies(work: GitRepository, original: GitCommit, among: set[str]) -> list[GitCommit]:
    """Return each commit that is an original one or was made of it.

    Both are there where a history was rewritten and a ref still leads to the one before.
    """
    mark = (original.author, original.when)
    found = (work.commits[name] for name in sorted(among))
    return [one for one in found if (one.author, one.when) == mark]


def find_commits(
    context: Context, work: GitRepository, name: str, among: set[str]
) -> list[GitCommit]:
    """Return the commits that a name in lab.yaml means, a commit's id there or a branch.

    Of a branch it is the last commit, whether it is `among` them or not.
    """
    if name in context.run.history().labels:
        return select_same(work, find_original(context, name), among)
    return [find_branch(work, name)]


def describe_name(context: Context, name: str) -> str:
    """Return what a learner knows by a name in lab.yaml: a commit's subject, or a branch."""
    if name in context.run.history().labels:
        return repr(find_original(context, name).subject)
    return name


def list_branch(work: GitRepository, name: str) -> set[str]:
    """Return the names of all commits of a branch; raises CheckFailedError without it."""
    return work.list_ancestors(find_branch(work, name).name)
