"""The event that a rehearsal pretends: who did what in which repository, as GitHub tells it.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffolder.checks.github.act_expressions import RUNNER_NAME
from scaffolder.checks.pipeline.runner import Event
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken

_SERVER = "https://github.com"
_NOBODY = "0" * 40
# No list of names: whoever had it could tell a rehearsal from a real repository.
_SYLLABLES = (
    *("al", "an", "ba", "bel", "cor", "da", "den", "el", "fa", "fen", "ga", "han", "hu"),
    *("il", "ja", "ka", "kir", "la", "lin", "ma", "mo", "na", "nor", "ol", "pe", "ra"),
    *("ri", "sa", "sel", "ta", "tor", "ul", "va", "ven", "wa", "win", "ya", "ze", "zo"),
)
_PROJECTS = ("items", "shelf", "stock", "inventory", "catalogue", "depot", "warehouse", "pantry")
_KINDS = ("service", "api", "backend", "server", "app")
_MESSAGES = (
    *("Tidy up", "Small changes", "Rework a little", "Make it clearer", "Follow up on the review"),
    *("Address comments", "Next step", "Prepare the next release", "Move on", "Clean up"),
)
_TOPICS = ("rework", "tidy-up", "next-step", "follow-up", "cleanup", "small-changes", "improve")


@dataclass(frozen=True)
class Identity:
    """Whose repository it is, what it is called, and who acts in it."""

    owner: str
    name: str
    actor: str
    topic: str
    message: str
    run_id: int
    run_number: int

    @property
    def repository(self) -> str:
        """The full name, as github.repository has it."""
        return f"{self.owner}/{self.name}"

    @property
    def repository_id(self) -> int:
        """The number that GitHub gave the repository."""
        return self.run_id % 10**9

    @property
    def variables(self) -> dict[str, str]:
        """What a runner has in its environment that act has not, or that act takes from there."""
        return {
            "GITHUB_REF_PROTECTED": "false",
            "GITHUB_REPOSITORY_ID": str(self.repository_id),
            "GITHUB_RETENTION_DAYS": "90",
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_RUN_NUMBER": str(self.run_number),
            "GITHUB_TRIGGERING_ACTOR": self.actor,
            "RUNNER_ENVIRONMENT": "github-hosted",
            "RUNNER_NAME": RUNNER_NAME,
            "RUNNER_PERFLOG": "/home/runner/perflog",
        }

    def of_repository(self, repository: str) -> Identity:
        """Return the same in somebody else's repository, who acts in it as well."""
        owner, _, name = repository.partition("/")
        return replace(self, owner=owner, name=name or self.name, actor=owner)


def draw_identity(draw: random.Random) -> Identity:
    """Return somebody who owns a repository, and works in it."""
    owner = _draw_name(draw)
    return Identity(
        owner=owner,
        name=f"{draw.choice(_PROJECTS)}-{draw.choice(_KINDS)}",
        actor=owner,
        topic=draw.choice(_TOPICS),
        message=draw.choice(_MESSAGES),
        run_id=draw.randrange(10**9, 10**11),
        run_number=draw.randrange(20, 900),
    )


def draw_guest(draw: random.Random, own: Identity) -> Identity:
    """Return somebody who works in a repository that is another's, out of a fork of it."""
    return replace(own, owner=_draw_name(draw), actor=_draw_name(draw))


def _draw_name(draw: random.Random) -> str:
    words = ("".join(draw.choices(_SYLLABLES, k=draw.randint(2, 3))) for _ in range(2))
    number = draw.choice(("", "", str(draw.randrange(1, 100))))
    return draw.choice(("-", "")).join(words) + number


@dataclass(frozen=True)
class Happening:
    """One event: what, where (a branch, or a tag of that name), and by whom.

    For a pull request `ref` is the branch that it wants to be merged into.
    """

    event: Event
    ref: str
    tag: bool
    default_branch: str
    identity: Identity

    @property
    def number(self) -> int:
        """The number of the pull request."""
        return self.identity.run_number % 97 + 1


@dataclass(frozen=True)
class Commits:
    """The history behind an event; `merged` is what is checked out."""

    base: str
    head: str
    merged: str


class Repository:
    """The repository of a rehearsal: the work as it was, and the change on top of it."""

    def __init__(self, folder: Path, happening: Happening, cancel: CancelToken) -> None:
        self._folder = folder
        self._happening = happening
        self._cancel = cancel

    def commit_work(self) -> str:
        """Commit what is in the folder on the branch that everything begins with."""
        happening = self._happening
        pull = happening.event == "pull_request"
        git.begin(
            self._folder, happening.ref if pull else happening.default_branch, cancel=self._cancel
        )
        return self._commit("Begin")

    def commit_change(self, base: str) -> Commits:
        """Commit the change, as the event has it, and remove what git was told to ignore.

        The repository then has the refs that GitHub's would have.
        """
        happening, identity = self._happening, self._happening.identity
        pull = happening.event == "pull_request"
        if pull:
            self._git("checkout", "--quiet", "-b", identity.topic)
        elif not happening.tag and happening.ref != happening.default_branch:
            self._git("checkout", "--quiet", "-b", happening.ref)
        head = merged = self._commit(identity.message)
        if pull:
            merged = self._git(
                *("commit-tree", "HEAD^{tree}", "-p", base, "-p", head),
                *("-m", f"Merge {head} into {base}"),
            )
            self._git("checkout", "--quiet", "--detach", merged)
            for name, commit in (("head", head), ("merge", merged)):
                self._git("update-ref", f"refs/pull/{happening.number}/{name}", commit)
        elif happening.tag:
            self._git("tag", happening.ref)
            self._git("checkout", "--quiet", "--detach", head)
        self._git("remote", "add", "origin", f"{_SERVER}/{identity.repository}")
        self._git("clean", "-dXffq")
        return Commits(base, head, merged)

    def _commit(self, message: str) -> str:
        return git.commit_as(
            self._folder, message, self._happening.identity.actor, cancel=self._cancel
        )

    def _git(self, *arguments: str) -> str:
        return git.run_as(
            self._folder, self._happening.identity.actor, *arguments, cancel=self._cancel
        )


def serve_repository(folder: Path, name: str, home: Path) -> None:
    """Let git find a repository where GitHub has the one called `name`.

    That goes for who has `home` as a home. As on GitHub, any commit can be fetched by its name.
    """
    place, address = json.dumps(folder.resolve().as_uri()), f"{_SERVER}/{name}"
    (home / ".gitconfig").write_text(
        "[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n"
        f"[url {place}]\n\tinsteadOf = {address}\n\tinsteadOf = {address}.git\n",
        "utf-8",
    )


def make_payload(happening: Happening, commits: Commits) -> dict[str, Any]:
    """Return the event as GitHub tells it, as far as workflows use it."""
    identity = happening.identity
    user = {"login": identity.actor, "type": "User"}
    repository = {
        "id": identity.repository_id,
        "full_name": identity.repository,
        "name": identity.name,
        "owner": {"login": identity.owner, "type": "User"},
        "default_branch": happening.default_branch,
        "private": False,
        "fork": False,
        "html_url": f"{_SERVER}/{identity.repository}",
    }
    told = (
        _pull_request(happening, commits, repository, user)
        if happening.event == "pull_request"
        else _push(happening, commits)
    )
    return {"repository": repository, "sender": user, **told}


def _pull_request(
    happening: Happening, commits: Commits, repository: dict[str, Any], user: dict[str, str]
) -> dict[str, Any]:
    identity = happening.identity
    source = repository
    if identity.actor != identity.owner:
        name, owner = f"{identity.actor}/{identity.name}", {**user, "id": identity.run_id % 10**8}
        more = {"full_name": name, "owner": owner, "fork": True, "html_url": f"{_SERVER}/{name}"}
        source = {**repository, **more, "id": identity.repository_id + 1}
    pull_request = {
        "number": happening.number,
        "state": "open",
        "draft": False,
        "merged": False,
        "title": identity.message,
        "body": "",
        "commits": 1,
        "head": _side(identity.topic, commits.head, source),
        "base": _side(happening.ref, commits.base, repository),
        "merge_commit_sha": commits.merged,
        "user": user,
        "author_association": "OWNER" if source is repository else "CONTRIBUTOR",
        "labels": [],
    }
    return {"action": "opened", "number": happening.number, "pull_request": pull_request}


def _push(happening: Happening, commits: Commits) -> dict[str, Any]:
    actor = happening.identity.actor
    created = happening.tag or happening.ref != happening.default_branch
    commit = {
        "id": commits.head,
        "message": happening.identity.message,
        "author": {"name": actor, "username": actor},
    }
    return {
        "ref": f"refs/{'tags' if happening.tag else 'heads'}/{happening.ref}",
        "base_ref": None,
        "before": _NOBODY if created else commits.base,
        "after": commits.head,
        "created": created,
        "deleted": False,
        "forced": False,
        "head_commit": commit,
        "commits": [commit],
        "pusher": {"name": actor},
    }


def _side(branch: str, commit: str, repository: dict[str, Any]) -> dict[str, Any]:
    owner = repository["owner"]["login"]
    return {
        "ref": branch,
        "sha": commit,
        "label": f"{owner}:{branch}",
        "repo": repository,
        "user": repository["owner"],
    }
