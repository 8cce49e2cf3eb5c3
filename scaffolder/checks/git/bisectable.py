"""Whether every commit of a branch works, so that whoever bisects is not led astray."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind
from scaffolder.checks.git.objects import GitCommit, GitRepository
from scaffolder.checks.git.reading import read_work
from scaffolder.checks.git.shape import list_range
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnavailableError, WorkFaultError
from scaffolder.core.text import sanitize_line
from scaffolder.model import Evidence, Finding, Verdict, passed
from scaffolder.tools.command import Command
from scaffolder.tools.processes import Ending
from scaffolder.tools.system_facts import SYSTEM_PATH
from scaffolder.workspace import trees
from scaffolder.workspace.trees import Entry, EntryKind

_MOST = 60
_KINDS = {0o100644: EntryKind.FILE, 0o100755: EntryKind.PROGRAM, 0o120000: EntryKind.LINK}
_SIZE_LIMIT = 50 * 2**20


class EveryCommitWorks(GitKind, frozen=True, kw_only=True):
    """A command succeeds on every commit of a branch, so that each can be built, and bisected.

    The files of each commit are laid into a folder of their own, from the oldest on, and the
    command runs there, in the sandbox.

    Parameters:
        branch: the branch whose commits are tried.
        since: where they begin, an id in history.yaml or a branch; its own commits are not tried.
        command: the program and its arguments; no shell.

    Passes: it ends with 0 on each commit.

    Fails: it ends with something else on one, does not end within the check's timeout, or there are
    no commits, or more than 60.

    Example:
        - id: every-commit-passes-the-tests
          kind: git.bisectable
          branch: search
          since: main
          command: [python3, -m, unittest, -q]
    """

    quick: ClassVar[bool] = False

    branch: str
    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    since: str = ""

    def run(self, context: Context) -> Verdict:
        """Try one commit after the other, and stop at the first that fails."""
        work = read_work(context)
        if shutil.which(self.command[0], path=SYSTEM_PATH) is None:
            raise UnavailableError(
                f"{self.command[0]}, with which commits are tried, is not installed"
            )
        commits = list_range(context, work, self.branch, self.since)
        if not 0 < len(commits) <= _MOST:
            raise CheckFailedError(
                f"{self.branch} has {len(commits)} commits to try, and 1 to {_MOST} are asked for"
            )
        for number, commit in enumerate(commits, start=1):
            context.say(f"trying commit {number} of {len(commits)}")
            self._try(context, work, commit)
        return passed(f"each of the {len(commits)} commits of {self.branch} works by itself")

    def _try(self, context: Context, work: GitRepository, commit: GitCommit) -> None:
        place = context.run.folder("commit") / "work"
        place.mkdir()
        _lay_files(work, commit, place)
        done = context.run.sandbox.run(
            Command(argv=self.command, cwd=place, timeout=context.timeout), context.run.cancel
        )
        shutil.rmtree(place, ignore_errors=True)
        if done.ok:
            return
        ended = (
            f"ends with {done.returncode}"
            if done.ending is Ending.EXITED
            else f"does not end well: {done.ending.value}"
        )
        raise CheckFailedError(
            f"{self.command[0]} {ended} on {sanitize_line(commit.shown)} of {self.branch}",
            Finding(f"{sanitize_line(commit.shown)} does not work by itself", rule="commit"),
            evidence=Evidence(ran=" ".join(self.command), actual=ended, log=done.tail(10)),
        )


def _lay_files(work: GitRepository, commit: GitCommit, place: Path) -> None:
    """Write the files of a commit into an empty folder; raises WorkFaultError for odd ones."""
    tree: dict[str, Entry] = {}
    size = 0
    for path, file in work.list_files(commit.tree).items():
        if file.mode in _KINDS:
            size += work.blobs[file.blob][1]
            if size > _SIZE_LIMIT:
                raise WorkFaultError(f"{sanitize_line(commit.shown)} holds more than 50 MB")
            tree[path] = Entry(work.read(file.blob), _KINDS[file.mode])
    if not trees.could_stand(tree):
        raise WorkFaultError(
            f"{sanitize_line(commit.shown)} holds files that are no part of somebody's work"
        )
    for path, entry in tree.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind is EntryKind.LINK:
            target.symlink_to(entry.content.decode("utf-8", "surrogateescape"))
        else:
            target.write_bytes(entry.content)
            target.chmod(0o755 if entry.kind is EntryKind.PROGRAM else 0o644)
