"""Whether a hook refuses what it should and lets through what is right: it is run for that."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from scaffolder.checks.context import Context
from scaffolder.checks.git.base import GitKind
from scaffolder.checks.kind import EVERYTHING, CheckFailedError
from scaffolder.core.errors import DevlabError, NotShownError, UnusableFileError, WorkFaultError
from scaffolder.model import ChangeSet, Evidence, Verdict, passed
from scaffolder.tools.command import Command
from scaffolder.tools.git import read_version
from scaffolder.tools.git_building import CLOSED
from scaffolder.tools.processes import Completed, Ending
from scaffolder.tools.system_facts import SYSTEM_PATH
from scaffolder.workspace import changes, read_bytes, resolve_inside

EVENTS = ("pre-commit", "prepare-commit-msg", "commit-msg")
_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Robin Doe"), ("EMAIL", "robin@example.org"))
}
_BEGIN = """\
set -eu
git init --quiet --template= --initial-branch=main
git -c core.excludesFile=/dev/null add --all
git commit --quiet --allow-empty --no-verify --message "Begin"
"""
_STAGE = "set -eu; git -c core.excludesFile=/dev/null add --all --force; git write-tree"
_RECORD = f"{_STAGE}; git commit --quiet --no-verify --message Before"
_ASK = "git rev-parse HEAD 'HEAD^{tree}'"


class HookCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A commit that somebody tries: what it changes, and its message.

    `before` is committed without the hook, and what is `unstaged` is done in the folder after the
    change was staged, so that it is no part of the commit.
    """

    title: Annotated[str, Meta(min_length=3, max_length=200)]
    change: ChangeSet = ChangeSet(write={"notes.txt": "A line that harms nobody.\n"})
    message: str = "Note something"
    before: ChangeSet = ChangeSet()
    unstaged: ChangeSet = ChangeSet()


class HookGuards(GitKind, frozen=True, kw_only=True):
    """A git hook of the work refuses commits that it should, and lets through those that are right.

    A new repository is made of a copy of the work, and git runs the hook in it: for each case the
    change-set is staged and committed. The hook may be in any language of the system's.

    Parameters:
        hook: its path in the work. Where it has the name of its event, the other hooks beside it
            are there as well, as with `git config core.hooksPath`.
        event: what it is for: pre-commit, prepare-commit-msg or commit-msg; by default its name.
        refuses: commits that it must refuse, at least one: `title`, in the words of who reads the
            verdict, a `change`, a change-set on the work, and a `message`. Where a change-set
            `before` is given, it was committed already, past the hook; one in `unstaged` is made in
            the folder once the change is staged, so that who reads files there is misled.
        accepts: commits that it must let through, at least one, and as they were staged.

    Passes: git commits what is right, and nothing of what is not.

    Fails: the hook is missing or may not be run, lets through what it should refuse, refuses what
    is right, changes what is committed, or does not end.

    Example:
        - id: no-token-gets-in
          kind: git.hook
          hook: hooks/pre-commit
          refuses:
            - title: a token in a settings file
              change: {write: {deploy.env: "TOKEN=tok_0123456789abcdef\\n"}}
          accepts:
            - title: a plain change
              change: {write: {notes.txt: "the token goes into the vault\\n"}}
    """

    quick: ClassVar[bool] = False

    hook: str
    refuses: Annotated[tuple[HookCase, ...], Meta(min_length=1)]
    accepts: Annotated[tuple[HookCase, ...], Meta(min_length=1)]
    event: str = ""

    def __post_init__(self) -> None:
        if self._event not in EVENTS:
            raise ValueError(f"a hook for {self._event!r} is none of {', '.join(EVENTS)}")

    @property
    def _event(self) -> str:
        return self.event or PurePosixPath(self.hook).name

    @property
    def reads(self) -> tuple[str, ...]:
        return EVERYTHING

    def run(self, context: Context) -> Verdict:
        """Try each case in a repository of its own."""
        read_version()
        self._require_program(context)
        base = context.run.copy("hook")
        self._do(context, base, "/bin/sh", "-c", _BEGIN)
        for case in self.accepts:
            self._require_accepted(context, base, case)
        for case in self.refuses:
            self._require_refused(context, base, case)
        return passed(
            f"{self.hook} refuses {len(self.refuses)} of {len(self.refuses) + len(self.accepts)} "
            "commits, and the right ones"
        )

    def _require_program(self, context: Context) -> None:
        """Raise where git would not run the hook at all."""
        path = resolve_inside(context.run.snapshot, self.hook)
        first = read_bytes(context.run.snapshot, self.hook).partition(b"\n")[0]
        if not path.stat().st_mode & 0o100:
            raise UnusableFileError(
                "may not be run, so that git leaves it out",
                self.hook,
                hint=f"chmod +x {self.hook}; git add --chmod=+x {self.hook}",
            )
        if not first.startswith(b"#!"):
            raise UnusableFileError(
                "does not begin with a line such as #!/bin/sh, so that nothing can run it",
                self.hook,
            )
        words = first[2:].decode("utf-8", "replace").split()
        named = next(
            (word for word in words if not word.startswith("-") and not word.endswith("/env")), ""
        )
        if not named or shutil.which(named, path=SYSTEM_PATH) is None:
            raise NotShownError(
                f"{self.hook} is to be run by {named or 'nothing'}, which is not on this machine",
                hint="sh, bash and python3 are",
            )

    def _require_accepted(self, context: Context, base: Path, case: HookCase) -> None:
        done, before, staged, after = self._try(context, base, case)
        if after[:1] == before[:1]:
            raise self._fail(f"refuses a commit that is right: {case.title}", case, done)
        if after[1:] != [staged]:
            raise self._fail(f"changes what is committed: {case.title}", case, done)

    def _require_refused(self, context: Context, base: Path, case: HookCase) -> None:
        done, before, _, after = self._try(context, base, case)
        if done.ok or after != before:
            raise self._fail(f"lets through what it should refuse: {case.title}", case, done)

    def _try(
        self, context: Context, base: Path, case: HookCase
    ) -> tuple[Completed, list[str], str, list[str]]:
        """Try a commit; return how that ended, and what git says of it before and after."""
        context.say(f"trying to commit {case.title}")
        place = context.run.folder("hook-case") / "work"
        shutil.copytree(base, place, symlinks=True)
        if case.before.paths:
            _apply(case, case.before, place)
            self._do(context, place, "/bin/sh", "-c", _RECORD)
        _apply(case, case.change, place)
        folder = str(PurePosixPath(self.hook).parent)
        if PurePosixPath(self.hook).name != self._event:
            folder = ".git/hooks"
            (place / folder).mkdir(exist_ok=True)
            shutil.copy(resolve_inside(place, self.hook), place / folder / self._event)
        before = self._do(context, place, "/bin/sh", "-c", _ASK).split()
        staged = self._do(context, place, "/bin/sh", "-c", _STAGE).strip()
        _apply(case, case.unstaged, place)
        hooks = f"core.hooksPath={place / folder}"
        commit = ("git", "-c", hooks, "commit", "--quiet", "--message", case.message)
        done = self._run(context, place, *commit)
        if done.ending is not Ending.EXITED:
            raise self._fail(f"{done.ending.value} at {case.title}", case, done)
        after = self._run(context, place, "/bin/sh", "-c", _ASK).stdout.split()
        return done, before, staged, after

    def _run(self, context: Context, place: Path, *argv: str) -> Completed:
        command = Command(argv=argv, cwd=place, timeout=context.timeout, env={**CLOSED, **_WHO})
        return context.run.sandbox.run(command, context.run.cancel)

    def _do(self, context: Context, place: Path, *argv: str) -> str:
        done = self._run(context, place, *argv)
        if not done.ok:
            raise WorkFaultError(f"git cannot commit the work: {' '.join(done.tail(2))}")
        return done.stdout

    def _fail(self, message: str, case: HookCase, done: Completed) -> CheckFailedError:
        files = ", ".join(case.change.paths)
        return CheckFailedError(
            f"{self.hook} {message}",
            evidence=Evidence(
                ran=f"git commit --message {case.message!r}  (with {files})",
                actual=f"git ended with {done.returncode}",
                log=done.tail(8),
            ),
        )


def _apply(case: HookCase, change: ChangeSet, place: Path) -> None:
    try:
        changes.apply_change(change, place)
    except (DevlabError, OSError) as error:
        raise WorkFaultError(
            f"{case.title} cannot be tried in this work: {getattr(error, 'message', error)}"
        ) from error
