"""The shape of a history: linear, small, with subjects that people can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind, Pattern, compare_trees, require_patterns
from scaffolder.checks.git.objects import GitCommit, GitRepository
from scaffolder.checks.git.reading import (
    describe_name,
    find_branch,
    find_commits,
    find_original,
    list_branch,
    read_original,
    read_work,
)
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.text import sanitize_line
from scaffolder.model import Finding, Verdict, failed, passed

_SHOWN = 10


class HistoryShape(GitKind, frozen=True, kw_only=True):
    """The commits of a branch are as somebody who reviews or searches them needs them.

    Parameters:
        branch: the branch whose commits are looked at.
        since: where they begin, an id in history.yaml or a branch; its own commits do not count.
            Without it, all commits of the branch do.
        linear: whether there may be no merge among them.
        least, most: how many commits there must be, and may be.
        subject: a regular expression that each subject, the first line, matches from its beginning.
        without: a regular expression that no subject matches anywhere, such as `(?i)fixup!|wip`.
        style: what `subject` and `without` ask for, in words that end "has a subject that is not";
            without them, whoever fails is shown the expression.
        longest: how many characters a subject may have.
        body: whether each message needs more than a subject, apart from it by an empty line.
        authors: whether each author is one of those that the lab's history has.
        tree: the id of a commit in history.yaml whose files the branch must end with: the history
            changes, the result does not.
        changed: patterns of paths, as of fnmatch, at which it may end otherwise all the same.
        moved: whether the branch may stand on other commits by now, as after a rebase onto a newer
            `since`. Of `tree` count those files then that differ from where branch and `since`
            parted: the branch has to change the same ones, and end with them as they were.

    Passes: all that is asked for holds.

    Fails: something does not; the rule of a finding says what: `merge`, `count`, `subject`,
    `length`, `body`, `author` or `tree`.

    Example:
        - id: the-branch-can-be-reviewed
          kind: git.history
          branch: search
          since: main
          linear: true
          most: 3
          subject: "(feat|fix|test): [a-z]"
          longest: 60
          tree: search-done
    """

    branch: str
    since: str = ""
    linear: bool = False
    least: Annotated[int, Meta(ge=0)] = 1
    most: Annotated[int, Meta(ge=1)] | None = None
    subject: Pattern | None = None
    without: Pattern | None = None
    style: str = ""
    longest: Annotated[int, Meta(ge=10)] | None = None
    body: bool = False
    authors: bool = False
    tree: str = ""
    changed: tuple[str, ...] = ()
    moved: bool = False

    def __post_init__(self) -> None:
        require_patterns(self.subject, self.without)
        if self.moved and not (self.tree and self.since):
            raise ValueError("`moved` is about `tree`, and where the branch left `since`")

    @property
    def commit_ids(self) -> tuple[str, ...]:
        return (self.tree,) if self.tree else ()

    def run(self, context: Context) -> Verdict:
        """Look at each commit, and at where they end."""
        work = read_work(context)
        commits = list_range(context, work, self.branch, self.since)
        findings = [
            *self._find_wrong_count(commits),
            *(finding for one in commits for finding in self._find_wrong(one)),
        ]
        if self.authors:
            known = {one.author for one in read_original(context).commits.values()}
            findings += [
                _tell(one, "author", f"is by {one.author}, who has no part in this history")
                for one in commits
                if one.author not in known
            ]
        if self.tree:
            findings += self._find_other_files(context, work)
        if findings:
            return failed(
                f"the history of {self.branch} is not as it should be: {findings[0].message}",
                *findings[:_SHOWN],
            )
        return passed(f"the {len(commits)} commits of {self.branch} are as they should be")

    def _find_wrong_count(self, commits: list[GitCommit]) -> Iterator[Finding]:
        count = len(commits)
        if count < self.least:
            yield Finding(
                f"it has {count} commits, and at least {self.least} are asked for", rule="count"
            )
        if self.most is not None and count > self.most:
            yield Finding(
                f"it has {count} commits, and at most {self.most} are asked for", rule="count"
            )

    def _find_wrong(self, one: GitCommit) -> Iterator[Finding]:
        subject = one.subject
        if self.linear and len(one.parents) > 1:
            yield _tell(one, "merge", "is a merge, and the history is to be linear")
        yield from self._find_wrong_subject(one)
        if self.longest is not None and len(subject) > self.longest:
            yield _tell(
                one, "length", f"has a subject of {len(subject)} characters, not {self.longest}"
            )
        if self.body and not re.fullmatch(r"[^\n]+\n\n.*\S.*", one.message, re.DOTALL):
            yield _tell(one, "body", "says nothing below its subject and an empty line")

    def _find_wrong_subject(self, one: GitCommit) -> Iterator[Finding]:
        missed = self.subject is not None and not re.match(self.subject, one.subject)
        found = self.without is not None and re.search(self.without, one.subject)
        if self.style and (missed or found):
            held = f" ({found[0]!r} is in it)" if found else ""
            yield _tell(one, "subject", f"has a subject that is not {self.style}{held}")
            return
        if missed:
            yield _tell(one, "subject", f"has a subject that does not match {self.subject}")
        if found:
            yield _tell(one, "subject", f"has a subject that matches {self.without}")

    def _find_other_files(self, context: Context, work: GitRepository) -> Iterator[Finding]:
        tip, wanted = find_branch(work, self.branch), find_original(context, self.tree)
        original = read_original(context)
        paths = compare_trees(work, tip, original, wanted, self.changed)
        if self.moved:
            inside = list_branch(work, self.branch)
            now = _list_changed(work, tip, find_commits(context, work, self.since, inside))
            left = self._find_original_since(context)
            before = _list_changed(original, wanted, [left])
            paths = [path for path in paths if path in now or path in before]
        for path in paths:
            yield Finding(
                f"{sanitize_line(path)} is not what it was, and the result was to stay",
                path=path if path.isprintable() else None,
                rule="tree",
            )

    def _find_original_since(self, context: Context) -> GitCommit:
        """Return where the branch began in the lab's own history."""
        if self.since in context.run.history().labels:
            return find_original(context, self.since)
        return find_branch(read_original(context), self.since)


def list_range(context: Context, work: GitRepository, branch: str, since: str) -> list[GitCommit]:
    """Return the commits of a branch that are not part of `since`, the oldest first.

    Raises CheckFailedError where the branch does not hold the commit that is meant.
    """
    inside = list_branch(work, branch)
    if since:
        begin = find_commits(context, work, since, inside)
        if not begin:
            raise CheckFailedError(
                f"{branch} does not begin at {describe_name(context, since)} any more"
            )
        inside -= work.list_ancestors(*(one.name for one in begin))
    return _order(work, inside)


def _list_changed(work: GitRepository, tip: GitCommit, sides: list[GitCommit]) -> set[str]:
    """Return the paths that a branch changes since it and another side parted."""
    shared = work.list_ancestors(tip.name) & work.list_ancestors(*(one.name for one in sides))
    last = shared - {parent for name in shared for parent in work.commits[name].parents}
    return {
        path for name in last for path in compare_trees(work, tip, work, work.commits[name], ())
    }


def _order(work: GitRepository, names: set[str]) -> list[GitCommit]:
    """Return commits so that each comes after its parents."""
    ordered: list[GitCommit] = []
    done: set[str] = set()
    for start in sorted(names):
        waiting = [start]
        while waiting:
            name = waiting[-1]
            left = [one for one in work.commits[name].parents if one in names and one not in done]
            if left and name not in done:
                waiting += left
                continue
            waiting.pop()
            if name not in done:
                done.add(name)
                ordered.append(work.commits[name])
    return ordered


def _tell(commit: GitCommit, rule: str, message: str) -> Finding:
    return Finding(f"{sanitize_line(commit.shown)} {message}", rule=rule)
