"""Verdicts of earlier runs, kept by the content of all that decides about them.

The name of what is kept is a digest of what the check read, what it asks, the start that it
compares with, and everything in `surroundings`. Time plays no part in it. So a verdict is found
again only where running the check anew would see the very same; a file that cannot be read, was
cut short or altered is as good as none.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import hashlib
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from scaffolder import catalog, places
from scaffolder.checks.base import Kind
from scaffolder.errors import UnusableFileError
from scaffolder.grading import surroundings
from scaffolder.model import CheckResult, CheckSpec, Lab, Outcome, Verdict
from scaffolder.tools import engine
from scaffolder.workspace import Survey, read_text

_DAYS = 30
_SECONDS_A_DAY = 24 * 3600
# How many files a folder may have before the old ones are looked for.
_MANY = 500
_GRADED = (Outcome.PASS, Outcome.FAIL)


class Entry(msgspec.Struct, frozen=True):
    """A verdict, the seconds that it took, and what the run had to say besides."""

    verdict: Verdict
    seconds: float
    notes: tuple[str, ...] = ()


def default_folder() -> Path:
    """Return the folder in which the verdicts of this user's checks are kept."""
    return places.cache() / "verdicts"


class Kept:
    """The verdicts in a folder; nothing in it is ever relied on without its digest.

    One that goes `afresh` finds none, and keeps what is found anew.
    """

    def __init__(self, folder: Path, *, afresh: bool = False) -> None:
        self._folder = folder
        self._afresh = afresh

    @classmethod
    def of_this_user(cls, *, afresh: bool = False) -> Self:
        """Return the verdicts that this user's checks keep."""
        return cls(default_folder(), afresh=afresh)

    def recall(self, name: str) -> Entry | None:
        """Return what is kept under a name; None where there is nothing, or not whole."""
        if self._afresh:
            return None
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            digest, _, content = (self._folder / name).read_bytes().partition(b"\n")
            if digest == _digest(content):
                return msgspec.json.decode(content, type=Entry, strict=True)
        return None

    def keep(self, name: str, entry: Entry) -> None:
        """Keep a verdict instead of what was kept under its name; trouble is no matter.

        One that may be another one the next time is not kept.
        """
        if entry.verdict.outcome not in _GRADED or not entry.verdict.lasting:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)
            return
        content = msgspec.json.encode(entry)
        draft = self._folder / f".{name}.{secrets.token_hex(4)}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(_digest(content) + b"\n" + content)
            draft.replace(self._folder / name)

    def forget_old(self) -> None:
        """Remove what nobody asked for in a month, once there is much."""
        oldest = time.time() - _DAYS * _SECONDS_A_DAY
        with contextlib.suppress(OSError):
            entries = list(os.scandir(self._folder))
            for entry in entries if len(entries) > _MANY else ():
                if entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


class Recall:
    """What is kept of the checks of one look at a workspace."""

    def __init__(self, kept: Kept, inputs: Inputs) -> None:
        self._kept = kept
        self._inputs = inputs
        self._images: dict[str, Mapping[str, str]] = {}

    def of(self, spec: CheckSpec) -> tuple[CheckResult, tuple[str, ...]] | None:
        """Return the kept result of a check and what it noted, or None."""
        images = self._images[spec.id] = self._inputs.images(spec)
        entry = self._kept.recall(self._inputs.name(spec, images))
        if entry is None:
            return None
        return CheckResult(
            spec.id, spec.kind, entry.verdict, entry.seconds, cached=True
        ), entry.notes

    def keep(self, spec: CheckSpec, result: CheckResult, notes: Sequence[str]) -> None:
        """Keep what a check came to, unless images that it rests on were changed while it ran.

        Those that were not there before may have come: a build fetches its base image.
        """
        before = self._images[spec.id]
        now = self._inputs.images(spec, anew=True)
        if all(now.get(name) == one for name, one in before.items()):
            entry = Entry(result.verdict, result.seconds, tuple(notes))
            self._kept.keep(self._inputs.name(spec, now), entry)


class Inputs:
    """All that decides about the checks of one look at a workspace.

    `root` is the workspace, or the copy of it that is graded, as `seen` tells it.
    """

    def __init__(self, lab: Lab, variables: Mapping[str, str], root: Path, seen: Survey) -> None:
        self._lab = lab
        self._variables = variables
        self._root = root
        self._seen = seen

    def name(self, spec: CheckSpec, images: Mapping[str, str]) -> str:
        """Return the name under which the verdict of a check is kept, given what `images` says."""
        if not isinstance(spec.check, Kind):
            raise TypeError(f"{spec.id}: {spec.kind} is no check kind")
        asked = msgspec.json.encode(
            (spec.id, spec.kind, spec.check, spec.timeout, images), order="deterministic"
        )
        return surroundings.hashed([self._shared, asked.decode(), *self._read(spec.check)])

    def images(self, spec: CheckSpec, *, anew: bool = False) -> Mapping[str, str]:
        """Return what of the engine a check rests on; nothing for most kinds.

        The engine is asked once, and again for what it holds `anew`.
        """
        if not (isinstance(spec.check, Kind) and spec.check.asks_engine):
            return {}
        path = getattr(spec.check, "dockerfile", "Dockerfile")
        try:
            text = read_text(self._root, path)
        except UnusableFileError:
            text = ""
        return surroundings.images(text, engine.glance() if anew else self._engine)

    @functools.cached_property
    def _engine(self) -> engine.Glance | None:
        return engine.glance()

    @functools.cached_property
    def _shared(self) -> str:
        lab = self._lab
        said = msgspec.json.encode(
            (lab.id, lab.trusted, self._variables, lab.context, lab.faults), order="deterministic"
        )
        folders = (lab.root / "start", lab.root / "tests", catalog.template_root(lab))
        lines = [line for one in folders for line in surroundings.contents(one)]
        return surroundings.hashed([surroundings.here(), said.decode(), *lines])

    def _read(self, kind: Kind) -> list[str]:
        """Return a line for each path of the work that a kind can see.

        Where there are links, what it reads may lie anywhere: then that is everything.
        """
        told = self._seen.told
        linked = any(what.startswith("link") for what in told.values())
        patterns = ("*",) if linked else kind.reads
        return [
            f"{path}\0{what}"
            for path, what in [
                *told.items(),
                *((one.path, f"left out: {one.reason}") for one in self._seen.skipped),
            ]
            if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
        ]
