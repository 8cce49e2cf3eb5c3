"""Whether a tag is where it should be."""

from __future__ import annotations

import re

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind, Pattern, require_patterns
from scaffolder.checks.git.objects import TAGS, GitCommit, GitRepository
from scaffolder.checks.git.reading import (
    describe_name,
    find_branch,
    find_original,
    read_work,
    select_copies,
)
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.suggest import suggest_name
from scaffolder.core.text import sanitize_line
from scaffolder.model import Verdict, passed


class TagStands(GitKind, frozen=True, kw_only=True):
    """A tag stands on the right commit, annotated where it should be.

    Parameters:
        tag: its name.
        on: the commit that it stands on: an id in history.yaml, also after it was rewritten,
            or a branch for its last commit. Without it, any commit will do.
        annotated: whether it has to be an annotated tag, with a message, a tagger and a date.
        message: a regular expression that is found in its message.
        contains: texts that its message holds.

    Passes: the tag is there, and is all of that.

    Fails: it is missing, light, on another commit, or says something else.

    Example:
        - id: the-release-is-tagged
          kind: git.tag
          tag: v1.4.1
          on: release/1.4
          message: 1\\.4\\.1
    """

    tag: str
    on: str = ""
    annotated: bool = True
    message: Pattern | None = None
    contains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_patterns(self.message)

    def run(self, context: Context) -> Verdict:
        """Look at what the ref points to."""
        work = read_work(context)
        known = [name.removeprefix(TAGS) for name in work.refs if name.startswith(TAGS)]
        if self.tag not in known:
            shown = ", ".join(sorted(known)[:10]) or "none"
            raise CheckFailedError(
                f"there is no tag {self.tag!r}{suggest_name(self.tag, known)}; tags: "
                f"{sanitize_line(shown)}"
            )
        name = work.refs[f"{TAGS}{self.tag}"]
        commit = work.peel(name)
        said = work.tags.get(name)
        if commit is None:
            raise CheckFailedError(f"the tag {self.tag} stands on no commit")
        if self.annotated and said is None:
            raise CheckFailedError(
                f"the tag {self.tag} is a light one: it has no message and no date of its own",
                hint=f"git tag --annotate --force {self.tag} COMMIT",
            )
        if self.on:
            meant = self._find_meant(context, work)
            if commit.name not in {one.name for one in meant}:
                raise CheckFailedError(
                    f"the tag {self.tag} stands on {sanitize_line(commit.shown)}, and not on "
                    f"{'the last commit of ' if self.on in work.branches else ''}"
                    f"{describe_name(context, self.on)}"
                )
        if self.message is not None and not (said and re.search(self.message, said.message)):
            raise CheckFailedError(
                f"the message of the tag {self.tag} does not hold {self.message}"
            )
        for text in self.contains:
            if said is None or text not in said.message:
                raise CheckFailedError(f"the message of the tag {self.tag} does not hold {text!r}")
        return passed(f"the tag {self.tag} stands on {sanitize_line(commit.shown)}")

    def _find_meant(self, context: Context, work: GitRepository) -> list[GitCommit]:
        """Return the commits on which the tag may stand; raises CheckFailedError for no branch."""
        if self.on not in context.run.history().labels:
            return [find_branch(work, self.on)]
        return select_copies(work, find_original(context, self.on), set(work.commits))
