"""Whether a file of the work names the right commit: what a bisect has found."""

from __future__ import annotations

import re
from collections.abc import Collection

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind, read_file
from scaffolder.checks.git.objects import GitCommit, GitRepository
from scaffolder.checks.git.reading import (
    find_branch,
    find_original,
    read_original,
    read_work,
    select_copies,
)
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Verdict, passed
from scaffolder.workspace import read_text

_NAME = re.compile(r"\b[0-9a-f]{4,64}\b")
_LIMIT = 64 * 1024


class NamesCommit(GitKind, frozen=True, kw_only=True):
    """A file of the work names the commit that somebody had to find, as with `git bisect`.

    The answer is an id in history.yaml, so nothing in the learner's folder holds it.

    Parameters:
        file: where the learner writes the commit's name, whole or its beginning. Words around it do
            no harm, a second name does.
        commit: the id that the commit has in history.yaml.
        branch: look at the file as it is committed there; without it, at the one in the folder.

    Passes: the name is that of the commit, as the lab began or after the learner rewrote it.

    Fails: the file is missing, names no commit, several, or another one.

    Example:
        - id: the-culprit-is-found
          kind: git.names
          file: answers/culprit.txt
          commit: rounding-bug
    """

    file: str
    commit: str
    branch: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        return () if self.branch else (self.file,)

    @property
    def commit_ids(self) -> tuple[str, ...]:
        return (self.commit,)

    def run(self, context: Context) -> Verdict:
        work, original = read_work(context), read_original(context)
        wanted = find_original(context, self.commit)
        known = {**original.commits, **work.commits}
        given = self._find_name(self._read_file(context, work), known)
        meant = {name: one for name, one in known.items() if name.startswith(given)}
        if len({(one.author, one.when) for one in meant.values()}) > 1:
            raise CheckFailedError(
                f"{self.file} names {given}, with which {len(meant)} commits begin",
                hint="write more of the name",
            )
        right = [wanted, *select_copies(work, wanted, set(work.commits))]
        if not any(name in meant for name in (one.name for one in right)):
            (first, *_) = meant.values()
            raise CheckFailedError(
                f"{self.file} names {first.shown}, and that is not the commit in question"
            )
        return passed(f"{self.file} names the right commit, {_show(meant, right)}")

    def _read_file(self, context: Context, work: GitRepository) -> str:
        if self.branch:
            tip = find_branch(work, self.branch)
            file = work.list_files(tip.tree).get(self.file)
            if file is None:
                raise UnusableFileError(f"is missing on the branch {self.branch}", self.file)
            return read_file(work, file).decode("utf-8", "replace")
        return read_text(context.run.snapshot, self.file, _LIMIT)

    def _find_name(self, text: str, known: Collection[str]) -> str:
        """Return the one name of a commit in a text, or its beginning."""
        words = dict.fromkeys(_NAME.findall(text.lower()))
        named = [one for one in words if any(name.startswith(one) for name in known)]
        if not named:
            other = next((one for one in words if any(map(str.isdigit, one))), "")
            what = f"{other}, which is no commit here" if other else "no commit"
            raise CheckFailedError(
                f"{self.file} names {what}",
                hint="write its name, such as 3f2a91c; git log --oneline shows them",
            )
        longest: str = max(named, key=len)
        others = [one for one in named if not longest.startswith(one)]
        if others:
            raise CheckFailedError(
                f"{self.file} names {len(others) + 1} commits, and one is asked for"
            )
        return longest


def _show(meant: dict[str, GitCommit], right: list[GitCommit]) -> str:
    return next(one.shown for one in right if one.name in meant)
