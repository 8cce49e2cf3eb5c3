"""Whether all work is committed, on the right branch, and nothing is left half-way."""

from __future__ import annotations

from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind
from scaffolder.checks.git.objects import HEADS, GitRepository
from scaffolder.checks.git.reading import read_work
from scaffolder.checks.kind import EVERYTHING, CheckFailedError
from scaffolder.core.errors import WorkFaultError
from scaffolder.core.text import sanitize_line
from scaffolder.model import Finding, Verdict, failed, passed
from scaffolder.tools.command import Command
from scaffolder.tools.git_building import CLOSED
from scaffolder.workspace import IGNORED

_SHOWN = 10
# The files of the commit `$3` in the repository `$1` against those in the folder `$2`.
_SCRIPT = """\
set -eu
export GIT_DIR=$1 GIT_WORK_TREE=$2 GIT_INDEX_FILE=$PWD/index
git read-tree "$3"
git update-index -q --refresh > /dev/null || :
git diff-files --name-only --ignore-submodules=all -z
echo
git ls-files --others --exclude-standard --exclude=/README.md -z
"""


class NothingLeft(GitKind, frozen=True, kw_only=True):
    """Everything is committed, and no merge, rebase or bisect is under way.

    Parameters:
        branch: the branch that must be checked out; without it, any will do.
        untracked: whether files may lie there that git does not know and no `.gitignore` names.

    Passes: the folder holds what the last commit holds.

    Fails: another branch is checked out, something was begun and not ended, or a file was changed,
    deleted or added and not committed.

    Example:
        - id: nothing-is-left-over
          kind: git.clean
          branch: main
    """

    branch: str = ""
    untracked: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        return EVERYTHING

    def run(self, context: Context) -> Verdict:
        """Compare the folder with the last commit, as git itself does."""
        work = read_work(context)
        copy = context.run.repository
        for what in copy.under_way if copy is not None else ():
            raise CheckFailedError(
                f"{what} is under way and not ended",
                hint="git status tells how to go on, and how to give it up",
            )
        here = work.head.removeprefix(HEADS)
        if self.branch and here != self.branch:
            where = f"the branch {here}" if here else "no branch at all"
            raise CheckFailedError(
                f"{sanitize_line(where)} is checked out, and not {self.branch}",
                hint=f"git switch {self.branch}",
            )
        if not work.at:
            raise CheckFailedError("nothing is committed yet")
        changed, others = self._look(context, work)
        findings = [Finding("is not as it was committed", path=path) for path in changed]
        if not self.untracked:
            findings += [Finding("is not committed", path=path) for path in others]
        if findings:
            first = findings[0]
            return failed(
                f"not everything is committed: {sanitize_line(first.path or '')} {first.message}",
                *findings[:_SHOWN],
            )
        return passed(f"everything is committed, on {here or 'no branch'}")

    def _look(self, context: Context, work: GitRepository) -> tuple[list[str], list[str]]:
        done = context.run.sandbox.run(
            Command(
                argv=("/bin/sh", "-c", _SCRIPT, "sh", *_places(context, work), work.at),
                cwd=context.run.folder("git-status"),
                timeout=context.timeout,
                env=CLOSED,
                visible=(work.dump.parent, context.run.snapshot),
            ),
            context.run.cancel,
        )
        if not done.ok:
            raise WorkFaultError(f"git cannot compare the folder: {' '.join(done.tail(2))}")
        changed, _, others = done.stdout.partition("\n")
        left_out = {one.path for one in context.run.skipped}
        return tuple(  # type: ignore[return-value]
            [
                path
                for path in text.strip("\n").split("\0")
                if path and path not in left_out and not IGNORED.intersection(path.split("/"))
            ]
            for text in (changed, others)
        )


def _places(context: Context, work: GitRepository) -> tuple[Path, Path]:
    return work.dump.parent / "fresh", context.run.snapshot
