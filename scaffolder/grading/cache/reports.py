"""Whole reports of workspaces in which nothing has changed.

Each verdict of such a report is kept by itself too (`verdicts`); but to find that out takes the
lab, its checks and all that they are made of. Here it is enough to see that nothing is another one:
the workspace, the settings, devlab and its tools decide about the name of what is kept, and with
the report are kept the folders and images that had a say, to be compared. A report is only as good
as its verdicts: where one of them was replaced or forgotten since, it is not told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from scaffolder.checks import families
from scaffolder.core.errors import DevlabError
from scaffolder.grading.cache import surroundings
from scaffolder.grading.cache.code import digest_other_code
from scaffolder.grading.cache.hashing import hash_lines
from scaffolder.grading.cache.store import Kept
from scaffolder.model import Report
from scaffolder.tools import engine
from scaffolder.workspace import (
    MANIFEST,
    Workspace,
    digest_repository,
    read_bytes,
    survey_work,
)


class Known(msgspec.Struct, frozen=True):
    """A report that holds as long as these folders and images are as they were.

    `folders` tells the digest of each folder's content, `images`, for each Dockerfile's text, what
    `surroundings.select_images` says of it, and `verdicts` the digest of each kept verdict that the
    report was made of; `history` that of the repository that the work lies in, where a check looks
    at it.
    """

    folders: Mapping[str, str]
    images: Mapping[str, Mapping[str, str]]
    verdicts: Mapping[str, str]
    report: Report
    history: str | None = None


def name(workspace: Workspace, asked: Sequence[str]) -> str | None:
    """Return the name under which a report on a workspace is kept; None where it cannot be read.

    `asked` is what was asked for: tasks, a learner.
    """
    try:
        seen = survey_work(workspace.root)
        manifest = read_bytes(workspace.root, str(MANIFEST)).decode("utf-8", "surrogateescape")
    except (OSError, DevlabError):
        return None
    left_out = (f"{one.path}\0{one.reason}" for one in seen.skipped)
    told = (f"{path}\0{what}" for path, what in seen.told.items())
    here = (surroundings.read_here(families.FAMILIES), digest_other_code())
    return hash_lines(["report", str(workspace.root), *here, manifest, *asked, *told, *left_out])


def recall(kept: Kept, known_as: str, root: Path) -> Known | None:
    """Return the report that is kept under a name, provided that it still holds.

    `root` is the workspace.
    """
    known = kept.recall(known_as, Known)
    if known is None or not kept.holds(known.verdicts):
        return None
    for folder, told in known.folders.items():
        if digest(Path(folder)) != told:
            return None
    if known.history is not None and digest_repository(root) != known.history:
        return None
    return known if look_at_images(known.images) == known.images else None


def is_told(kept: Kept, workspace: Workspace, report: Report) -> bool:
    """Whether the learner was told all of a report already, as far as `note_told` knows.

    It saves a look into the records; where what is known is lost, they are asked again.
    """
    told = kept.recall(_name_told(workspace), dict[str, bool])
    return told is not None and told.items() >= report.passes.items()


def note_told(kept: Kept, workspace: Workspace, report: Report) -> None:
    """Keep that the learner was told a report on a workspace."""
    known_as = _name_told(workspace)
    before = kept.recall(known_as, dict[str, bool]) or {}
    kept.keep(known_as, {**before, **report.passes})


def _name_told(workspace: Workspace) -> str:
    manifest = workspace.manifest
    return hash_lines(["told", str(workspace.root), manifest.lab.id, manifest.learner_id])


def forget_reports(kept: Kept, lab_id: str) -> None:
    """Forget every kept report of a lab: the next check of it is told and noted anew.

    What its checks came to stays, so that nothing has to run again.
    """
    for known_as in kept.names():
        known = kept.recall(known_as, Known)
        if known is not None and known.report.lab_id == lab_id:
            kept.forget(known_as)


def look_at_images(dockerfiles: Iterable[str]) -> Mapping[str, Mapping[str, str]] | None:
    """Return, for each Dockerfile's text, what `surroundings.select_images` says of it now.

    None where the engine, which is asked only if there are any, does not answer.
    """
    texts = list(dockerfiles)
    seen = engine.glance() if texts else None
    if seen is None:
        return None if texts else {}
    return {text: surroundings.select_images(text, seen) for text in texts}


def digest(folder: Path) -> str:
    """Return the digest of a folder's content, also of one that is not there."""
    return hash_lines(surroundings.list_contents(folder))
