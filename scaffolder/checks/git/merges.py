"""Whether branches hold what they should: by a merge, or in any other way."""

from __future__ import annotations

from msgspec import field

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import FileContent, GitKind, find_faults, find_markers, raise_for
from scaffolder.checks.git.objects import GitCommit, GitRepository
from scaffolder.checks.git.reading import (
    describe_name,
    find_branch,
    find_commits,
    list_branch,
    read_original,
    read_work,
)
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Verdict, passed


class MergedBranches(GitKind, frozen=True, kw_only=True):
    """A branch has merged others, without conflict markers and with the content of both sides.

    Parameters:
        into: the branch that took the others in.
        merges: ids of commits in history.yaml, or branches; each must be part of `into` through a
            merge. An id means the last commit that the side had, also after it was rebased.
        commit: whether only a merge will do; without it, a rebase and a fast-forward is as good.
        files: by path, what files hold in the last commit of `into`: `contains` and `lacks` are
            lists of texts, `matches` of regular expressions of which each fits a line, and
            `absent: true` says that there is no such file.

    Passes: every side is merged, no file of the branch holds a conflict marker that the lab did not
    put there, and the files hold what they should.

    Fails: a side is missing, was squashed or taken over without a merge, a conflict is marked
    still, or one side's content was dropped. The rules of the findings are `conflict-marker`,
    `content` and `file`.

    Example:
        - id: both-sides-are-in
          kind: git.merged
          into: main
          merges: [rate-limit]
          files:
            app/settings.py: {contains: ["RATE_LIMIT = 20", "TIMEOUT = 5"]}
    """

    merges: tuple[str, ...]
    into: str = "main"
    commit: bool = True
    files: dict[str, FileContent] = field(default_factory=dict)

    def run(self, context: Context) -> Verdict:
        work = read_work(context)
        tip = find_branch(work, self.into)
        known = set(read_original(context).blobs)
        raise_for(f"{self.into} is not merged cleanly", list(find_markers(work, tip, known)))
        for name in self.merges:
            self._require_merged(context, work, tip, name)
        raise_for(
            f"the merge into {self.into} lost something",
            list(find_faults(work, tip, self.files)),
            hint="a merge keeps what both sides wanted: look at git diff main...BRANCH of each",
        )
        merged = ", ".join(describe_name(context, name) for name in self.merges)
        return passed(f"{self.into} has merged {merged}, and both sides are in it")

    def _require_merged(
        self, context: Context, work: GitRepository, tip: GitCommit, name: str
    ) -> None:
        inside = work.list_ancestors(tip.name)
        sides = find_commits(context, work, name, inside)
        held = [one for one in sides if one.name in inside]
        said = describe_name(context, name)
        if not held:
            copy = context.run.repository
            begun = copy is not None and "a merge" in copy.under_way
            raise CheckFailedError(
                f"{self.into} does not hold {said}",
                hint="a merge is under way: git add what you solved, and git commit ends it"
                if begun
                else f"git switch {self.into}; git merge BRANCH; a squash takes over no commit",
            )
        if self.commit and not any(_is_merged(work, inside, one) for one in held):
            raise CheckFailedError(
                f"{self.into} holds {said}, but no merge brought it in",
                hint="git merge --no-ff keeps the merge as a commit",
            )


def _is_merged(work: GitRepository, inside: set[str], side: GitCommit) -> bool:
    """Whether a merge in the branch has the commit on one side only."""
    holding = work.list_descendants(side.name)
    for name in inside:
        holds = [parent in holding for parent in work.commits[name].parents]
        if any(holds) and not all(holds):
            return True
    return False


class Contains(GitKind, frozen=True, kw_only=True):
    """A branch holds some commits, and others it does not.

    Parameters:
        branch: the branch that is looked at.
        commits: ids of commits in history.yaml, or branches, that must be part of it. A commit of
            history.yaml counts also after it was rebased, amended or cherry-picked: it is known by
            its author and the author's time.
        lacks: ids or branches that must be no part of it.
        files: by path, what the files of its last commit hold, as of `git.merged`.

    Passes: all of that is so.

    Fails: a commit is missing or one too many is there, or a file is not what it should be.

    Example:
        - id: the-fix-is-on-the-release
          kind: git.contains
          branch: release/1.4
          commits: [overflow-fix]
          lacks: [new-dashboard]
    """

    branch: str
    commits: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    files: dict[str, FileContent] = field(default_factory=dict)

    def run(self, context: Context) -> Verdict:
        work = read_work(context)
        inside = list_branch(work, self.branch)
        for name in self.commits:
            held = find_commits(context, work, name, inside)
            if not any(one.name in inside for one in held):
                raise CheckFailedError(
                    f"{self.branch} does not hold {describe_name(context, name)}"
                )
        for name in self.lacks:
            for one in find_commits(context, work, name, inside):
                if one.name in inside:
                    raise CheckFailedError(f"{self.branch} holds {one.shown}, and should not")
        tip = find_branch(work, self.branch)
        raise_for(
            f"{self.branch} is not what it should be", list(find_faults(work, tip, self.files))
        )
        return passed(f"{self.branch} holds what it should, in {len(inside)} commits")
