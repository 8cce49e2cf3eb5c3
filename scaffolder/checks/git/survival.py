"""Whether work is still there after a history was rewritten."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import field

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind, compare_trees
from scaffolder.checks.git.objects import GitCommit, GitRepository
from scaffolder.checks.git.reading import (
    find_branch,
    find_original,
    list_branch,
    read_original,
    read_work,
    select_same,
)
from scaffolder.core.text import sanitize_line
from scaffolder.model import Finding, Verdict, failed, passed

_SHOWN = 10


class Survives(GitKind, frozen=True, kw_only=True):
    """What a branch held when the lab began is still there, however its history was rewritten.

    A commit is known again by its author and the author's time, which git keeps when somebody
    rebases, amends or filters.

    Parameters:
        branch: the branch that must hold the commits.
        of: the branch on which the lab has them; without it, the one of the same name.
        commits: ids of commits in history.yaml instead, where not all of them are meant.
        changed: patterns of paths, as of fnmatch, that the rewriting may change or take away in any
            of the commits; all other files must be in each commit as they were.
        messages: whether the messages must be what they were, too.

    Passes: each of the commits is in the branch, by its author, with its files.

    Fails: a commit is gone, has another author, or holds other files than it did.

    Example:
        - id: nothing-else-is-lost
          kind: git.survives
          branch: main
          changed: [deploy.env]
    """

    branch: str
    of: str = ""
    commits: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    messages: bool = field(default=False)

    @property
    def commit_ids(self) -> tuple[str, ...]:
        return self.commits

    def run(self, context: Context) -> Verdict:
        """Look for each original commit."""
        work, original = read_work(context), read_original(context)
        inside = list_branch(work, self.branch)
        wanted = [find_original(context, label) for label in self.commits]
        if not wanted:
            tip = find_branch(original, self.of or self.branch)
            wanted = [original.commits[name] for name in original.list_ancestors(tip.name)]
            wanted.sort(key=lambda one: (int(one.when.partition(" ")[0]), one.name))
        findings = [
            finding
            for one in wanted
            for finding in self._compare(work, original, one, select_same(work, one, inside))
        ]
        if findings:
            return failed(
                f"{self.branch} lost something: {findings[0].message}", *findings[:_SHOWN]
            )
        return passed(f"all of {len(wanted)} commits are in {self.branch} still")

    def _compare(
        self, work: GitRepository, original: GitRepository, wanted: GitCommit, same: list[GitCommit]
    ) -> Iterator[Finding]:
        if not same:
            yield Finding(
                f"{wanted.subject!r} by {wanted.author} is not in {self.branch} any more",
                rule="commit",
            )
            return
        # A rewritten commit can stand there more than once, as after a cherry-pick.
        told = [self._differences(work, original, wanted, one) for one in same]
        yield from min(told, key=len)

    def _differences(
        self, work: GitRepository, original: GitRepository, wanted: GitCommit, one: GitCommit
    ) -> list[Finding]:
        found = [
            Finding(
                f"{sanitize_line(path)} is not what it was in {wanted.subject!r}",
                path=path if path.isprintable() else None,
                rule="content",
            )
            for path in compare_trees(work, one, original, wanted, self.changed)
        ]
        if self.messages and one.message.strip() != wanted.message.strip():
            found.append(Finding(f"the message of {wanted.subject!r} is another", rule="message"))
        return found
