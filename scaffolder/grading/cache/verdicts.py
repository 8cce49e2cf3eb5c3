"""Verdicts of earlier runs, kept by the content of all that decides about them.

The name of what is kept is a digest of what the check read, what it asks, the start that it
compares with, what its commands run in, and everything in `surroundings`. Time plays no part in it.
So a verdict is found again only where running the check anew would see the very same.
"""

from __future__ import annotations

import fnmatch
import functools
import posixpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.family import Family
from scaffolder.checks.registry import find_family, list_used_families
from scaffolder.core.errors import UnusableFileError
from scaffolder.grading.cache import surroundings
from scaffolder.grading.cache.hashing import hash_lines
from scaffolder.grading.cache.store import Kept
from scaffolder.labs import catalog
from scaffolder.labs.schema import HISTORY
from scaffolder.model import CheckParameters, CheckResult, CheckSpec, Lab, Outcome, Verdict
from scaffolder.model.tool import Tool
from scaffolder.tools import engine
from scaffolder.tools.engine import Glance
from scaffolder.workspace import REPOSITORY, WorkSurvey, read_text

_GRADED = (Outcome.PASS, Outcome.FAIL)


class KeptVerdict(msgspec.Struct, frozen=True):
    """A verdict, the seconds that it took, and what the run had to say besides."""

    verdict: Verdict
    seconds: float
    notes: tuple[str, ...] = ()


class Recall:
    """What is kept of the checks of one look at a workspace."""

    def __init__(self, kept: Kept, inputs: Inputs) -> None:
        self._kept = kept
        self._inputs = inputs
        self._images: dict[str, Mapping[str, str] | None] = {}

    def of(self, spec: CheckSpec) -> tuple[CheckResult, tuple[str, ...]] | None:
        """Return the kept result of a check and what it noted, or None."""
        images = self._images[spec.id] = self._inputs.images(spec)
        if images is None:
            return None
        entry = self._kept.recall(self._inputs.name(spec, images), KeptVerdict)
        if entry is None:
            return None
        result = CheckResult(spec.id, spec.kind, entry.verdict, entry.seconds, cached=True)
        return result, entry.notes

    def keep(self, spec: CheckSpec, result: CheckResult, notes: Sequence[str]) -> None:
        """Keep what a check came to instead of what was kept, if it would come to it again.

        That is not so where images that it rests on were changed while it ran. Those that were not
        there before may have come: a build fetches its base image. Where the engine did not say
        what it has, nobody knows under which name to keep it.
        """
        before = self._images[spec.id]
        now = self._inputs.images(spec, anew=True)
        if before is None or now is None:
            return
        same = all(now.get(name) == one for name, one in before.items())
        name = self._inputs.name(spec, now)
        if same and result.verdict.outcome in _GRADED and result.verdict.lasting:
            self._kept.keep(name, KeptVerdict(result.verdict, result.seconds, tuple(notes)))
        else:
            self._kept.forget(name)


class Inputs:
    """All that decides about the checks of one look at a workspace.

    `root` is the workspace, or the copy of it that is graded, as `seen` tells it;
    `identify_sandbox` returns the identity of what commands run in, and is asked only where a check
    runs some; so is `digest_history`, the digest of the repository that the work lies in, where a
    check looks at that.
    """

    def __init__(
        self,
        lab: Lab,
        variables: Mapping[str, str],
        root: Path,
        seen: WorkSurvey,
        identify_sandbox: Callable[[], str],
        digest_history: Callable[[], str] = lambda: "",
    ) -> None:
        self._lab = lab
        self._variables = variables
        self._root = root
        self._seen = seen
        self._identify_sandbox = identify_sandbox
        self._digest_history = digest_history
        self._digests: dict[tuple[Family, tuple[Tool, ...]], str] = {}

    def name(self, spec: CheckSpec, images: Mapping[str, str]) -> str:
        """Return the name under which the verdict of a check is kept, given what `images` says."""
        asked = msgspec.json.encode(
            (spec.id, spec.kind, spec.check, spec.timeout, images), order="deterministic"
        )
        return hash_lines([self._here(spec), self._shared, asked.decode(), *self._read(spec.check)])

    def images(self, spec: CheckSpec, *, anew: bool = False) -> Mapping[str, str] | None:
        """Return what of the engine a check rests on, nothing for most kinds.

        The engine is asked once, and again for what it holds `anew`; None where it did not answer.
        """
        text = read_dockerfiles(self._root, spec.check)
        if text is None:
            return {}
        seen = engine.glance() if anew else self._engine
        return None if seen is None else surroundings.select_images(text, seen)

    @functools.cached_property
    def _history(self) -> str:
        return self._digest_history()

    @functools.cached_property
    def _engine(self) -> Glance | None:
        return engine.glance()

    @functools.cached_property
    def _shared(self) -> str:
        lab = self._lab
        said = msgspec.json.encode(
            (lab.id, lab.trusted, self._variables, lab.context, lab.faults), order="deterministic"
        )
        own = (lab.root / name for name in ("start", "tests", "fixtures"))
        folders = (*own, catalog.find_template(lab))
        lines = [line for one in folders for line in surroundings.list_contents(one)]
        history = lab.root / HISTORY
        if history.is_file():
            lines.append(f"{HISTORY} {surroundings.digest_file(history)}")
        return hash_lines([said.decode(), *lines])

    def _here(self, spec: CheckSpec) -> str:
        """Return the digest of what a check rests on here, looked at once for each family."""
        family = find_family(spec.kind)
        more = tuple(sorted(spec.check.requirements(self._lab.root), key=lambda tool: tool.id))
        if (family, more) not in self._digests:
            used = list_used_families([family.name])
            ran_in = [self._identify_sandbox()] if SANDBOX in more else []
            self._digests[family, more] = hash_lines([surroundings.read_here(used, more), *ran_in])
        return self._digests[family, more]

    def _read(self, check: CheckParameters) -> list[str]:
        """Return a line for each path of the work that a check can see.

        Where there are links, what it reads may lie anywhere: then that is everything.
        """
        told = self._seen.told
        linked = any(what.startswith("link") for what in told.values())
        patterns = ("*",) if linked else _with_folders(check.reads)
        history = [f"{REPOSITORY}\0{self._history}"] if check.reads_history else []
        return history + [
            f"{path}\0{what}"
            for path, what in [
                *told.items(),
                *((one.path, f"left out: {one.reason}") for one in self._seen.skipped),
            ]
            if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
        ]


def read_dockerfiles(root: Path, check: CheckParameters) -> str | None:
    """Return the text of all that a check builds from, of what cannot be read nothing.

    `root` is the workspace, or a copy of it; None for a check that builds no image.
    """
    texts = []
    for path in check.builds:
        try:
            texts.append(read_text(root, path))
        except UnusableFileError:
            texts.append("")
    return "\n".join(texts) if texts else None


def _with_folders(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return patterns as a survey writes paths, and the folders that they lie in.

    Whether such a folder is there, or something else in its place, is seen by whoever reads in it.
    """
    plain = [posixpath.normpath(pattern) for pattern in patterns]
    folders = (str(folder) for one in plain for folder in PurePosixPath(one).parents)
    return (*plain, *folders)
