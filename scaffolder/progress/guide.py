"""Where a learner stands on this machine, and what comes next for them."""

from __future__ import annotations

import itertools
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scaffolder import workspace
from scaffolder.core.errors import DevlabError
from scaffolder.labs import catalog
from scaffolder.labs.catalog import Survey
from scaffolder.model import Lab, NextLab, Report
from scaffolder.progress import records
from scaffolder.progress.next_step import NextStep, choose_next_step
from scaffolder.progress.standing import Records, Standing, WorkspaceRecord, compute_standing
from scaffolder.workspace import Workspace


@dataclass(frozen=True)
class Guidance:
    """What there is, what was done of it, and what comes next: None where all is done."""

    survey: Survey
    standing: Standing
    step: NextStep | None


def find_workspace_here() -> Workspace | None:
    """Return the workspace that the current folder lies in, or None."""
    try:
        return workspace.find_workspace(Path())
    except (DevlabError, OSError):
        return None


def find_guidance(here: Workspace | None) -> Guidance:
    """Return where a learner stands who stands in the workspace `here`, or in none."""
    survey = catalog.survey()
    kept = records.read_all()
    standing = compute_standing(survey.labs, kept)
    root = str(here.root) if here else ""
    step = choose_next_step(survey.labs, standing, _list_begun(kept, here), here=root)
    return Guidance(survey, standing, _fit_step(step, here) if step else None)


def tell_report(workspace: Workspace, lab: Lab, report: Report) -> Report:
    """Keep what a check run said, and return the report with what is new in it for the learner."""
    news = records.note_report(workspace, lab, report, told=True)
    if report.finish is not None:
        news = msgspec.structs.replace(news, next=find_next_lab(workspace))
    return msgspec.structs.replace(report, news=news)


def find_next_lab(done: Workspace) -> NextLab:
    """Return what to do when a workspace is finished."""
    return format_next_lab(find_guidance(done).step)


def format_next_lab(step: NextStep | None) -> NextLab:
    """Return a step as what comes next; where nothing is left, a look at what was gained."""
    if step is None:
        return NextLab("every lab that is here is done; see what you gained", "devlab progress")
    return NextLab(step.lab.title, step.command)


def _fit_step(step: NextStep, here: Workspace | None) -> NextStep:
    """Return a step whose command works here: no lab is made in a workspace, or over something."""
    if step.workspace is not None:
        return step
    base = _find_place(here)
    go = f"cd {shlex.quote(str(base))} && " if base != Path() else ""
    folder = base / step.lab.root.name
    if not os.path.lexists(folder):
        return msgspec.structs.replace(step, command=f"{go}{step.command}")
    try:
        begun = workspace.read_manifest(folder).lab.id == step.lab.id
    except (DevlabError, OSError):
        begun = False
    if begun:
        why = f"its workspace is here, in {folder}; {step.why}"
        command = f"cd {shlex.quote(str(folder))} && devlab check"
        return msgspec.structs.replace(step, why=why, command=command)
    free = next(
        name
        for name in (f"{folder.name}-{number}" for number in itertools.count(2))
        if not os.path.lexists(base / name)
    )
    command = f"{go}devlab new {shlex.quote(step.lab.id)} {shlex.quote(free)}"
    return msgspec.structs.replace(step, command=command)


def _find_place(here: Workspace | None) -> Path:
    """Return where to make a workspace, from the current folder: beside the one it lies in."""
    try:
        if here is None or not Path.cwd().is_relative_to(here.root):
            return Path()
        return Path(os.path.relpath(here.root.parent))
    except OSError:
        return Path()


def _list_begun(kept: Records, here: Workspace | None) -> list[WorkspaceRecord]:
    """Return the records of the workspaces that are still there, the one here first."""
    there = [one for one in kept.workspaces if _is_still_there(one)]
    if here is None:
        return there
    key = records.make_key(here)
    first = next((one for one in there if one.key == key), WorkspaceRecord(key=key))
    return [first, *(one for one in there if one.key != key)]


def _is_still_there(record: WorkspaceRecord) -> bool:
    try:
        return workspace.read_manifest(Path(record.key.path)).lab.id == record.key.lab
    except (DevlabError, OSError):
        return False
