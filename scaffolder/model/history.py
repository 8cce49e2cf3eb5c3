"""What a lab says of the repository that its learners begin with: the shape of history.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from scaffolder.model.lab import ChangeSet

RefName = Annotated[
    str,
    Meta(
        pattern=r"^(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]*$",
        max_length=100,
    ),
]
Label = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Person = Annotated[str, Meta(pattern=r"^[^<>\n]*[^<>\s] <[^<>\s]+>$", max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]


class HistoryTag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag on a commit: annotated where it has a message, else light."""

    name: RefName
    message: str = ""


class HistoryCommit(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    """One commit: what it changes in the files of the one before it, by whom and when."""

    message: Annotated[
        str, Meta(pattern=r"\S", max_length=5000, description="Subject, and a body if you like.")
    ]
    date: Annotated[Moment, Meta(description="With its offset: 2026-01-31T09:30:00+01:00.")]
    id: Annotated[
        Label | None, Meta(description="A name for checks and for `from` and `merge`.")
    ] = None
    author: Annotated[
        Person | None, Meta(description="Name <mail>; by default that of the file.")
    ] = None
    branch: Annotated[
        RefName | None, Meta(description="By default that of the commit before it in the file.")
    ] = None
    from_: Annotated[
        str | None,
        Meta(description="Where a new branch begins, a branch or an id; else the commit before."),
    ] = None
    merge: Annotated[
        tuple[str, ...], Meta(description="Branches or ids that the commit merges.")
    ] = ()
    change: Annotated[ChangeSet, Meta(description="A change-set.")] = ChangeSet()
    tags: Annotated[tuple[RefName | HistoryTag, ...], Meta(description="Tags on the commit.")] = ()


class HistoryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The repository that learners begin with: its commits, from the first to the last.

    The first commit holds the template and `start/`, with its own change-set on top.
    """

    commits: Annotated[list[HistoryCommit], Meta(min_length=1, max_length=500)]
    author: Annotated[Person, Meta(description="Name <mail>, where a commit has none.")] = (
        "Robin Doe <robin@example.org>"
    )
    branch: Annotated[
        RefName, Meta(description="The first branch, and the one that is checked out at the end.")
    ] = "main"


# The names of a history's steps and their shell commands.
Steps = Mapping[str, str]


@dataclass(frozen=True)
class OriginalHistory:
    """The repository that a lab's learners begin with, made anew for a run.

    `folder` is a workspace's, with `.git` in it; `labels` are the full names of the commits that
    have an id in history.yaml.
    """

    folder: Path
    labels: Mapping[str, str]
