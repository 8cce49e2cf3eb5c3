"""Keep a whole report, so that the next look at the same work takes no more than a look."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from scaffolder.core.errors import DevlabError
from scaffolder.grading.cache import reports
from scaffolder.grading.cache.reports import Known
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.cache.verdicts import read_dockerfiles
from scaffolder.grading.grader import recall_report
from scaffolder.labs import catalog
from scaffolder.labs.families import asks_for_sandbox
from scaffolder.model import Lab
from scaffolder.sandbox import is_refused
from scaffolder.workspace import Workspace, digest_repository


def keep_report(
    lab: Lab,
    workspace: Workspace,
    *,
    only: Sequence[str],
    asked: Sequence[str],
    kept: Kept,
) -> None:
    """Keep the report on a workspace if each of its verdicts is kept, and it stays as it is.

    `kept` has recalled nothing yet; `asked` is as for `reports.name`. The labs of packs are
    left out: whether they are what was installed is asked every time. So is what ran without
    bubblewrap where that is installed: whether it works by now, no file tells for sure. A workspace
    that is gone by now, or cannot be read any more, is no matter.
    """
    kept.forget_old()
    known_as = reports.name(workspace, asked)
    if known_as is None or "/" in lab.id or (asks_for_sandbox(lab) and is_refused()):
        return
    with contextlib.suppress(OSError, DevlabError):
        folders, images = _folders(lab), _images(lab, workspace)
        history = _digest_history(lab, workspace)
        report = recall_report(lab, workspace, only=only, kept=kept)
        if report is None or images is None:
            return
        verdicts = kept.told
        # Only if nobody saved or pulled meanwhile do all of these speak of the same.
        same = (
            reports.name(workspace, asked),
            _folders(lab),
            _images(lab, workspace),
            _digest_history(lab, workspace),
        )
        if same == (known_as, folders, images, history):
            kept.keep(known_as, Known(folders, images, verdicts, report, history))


def _folders(lab: Lab) -> dict[str, str]:
    folders = (lab.root, catalog.find_template(lab))
    return {str(folder): reports.digest(folder) for folder in folders}


def _digest_history(lab: Lab, workspace: Workspace) -> str | None:
    return digest_repository(workspace.root) if lab.reads_history else None


def _images(lab: Lab, workspace: Workspace) -> Mapping[str, Mapping[str, str]] | None:
    checks = [spec.check for task in lab.tasks for spec in task.checks]
    texts = {read_dockerfiles(workspace.root, check) for check in checks}
    return reports.look_at_images(text for text in texts if text is not None)
