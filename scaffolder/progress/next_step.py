"""What a learner does best next, and why: the work that is begun, then the nearest new lab."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

import msgspec

from scaffolder.model import Lab, Task
from scaffolder.progress.standing import LabStanding, Standing, WorkspaceRecord, rank_level


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do: the lab, why this one, and the exact command.

    `workspace` and `task` are set where something begun goes on: its folder, the task to do.
    """

    lab: Lab
    why: str
    command: str
    workspace: str | None = None
    task: Task | None = None


def choose_next_step(
    labs: Sequence[Lab], standing: Standing, begun: Sequence[WorkspaceRecord], here: str = ""
) -> NextStep | None:
    """Return what comes next, or None where every lab is done.

    `begun` are the workspaces that still exist, those to go on with first; `here` is the one that
    the learner stands in, if any: in no other one a lab goes on that is done. Among new labs a
    track that was begun comes first, then the lower level, then the lab whose skills bring the
    most that is new.
    """
    known = {lab.id: lab for lab in labs}
    done = {one.id for one in standing.labs if one.state == "done"}
    for workspace in begun:
        if workspace.key.lab in done and workspace.key.path != here:
            continue
        lab = known.get(workspace.key.lab)
        task = choose_open_task(lab, workspace.passed) if lab else None
        if lab and task:
            return _go_on(lab, workspace, task, here)
    new = [lab for lab in labs if lab.id not in done]
    return _begin(min(new, key=lambda lab: _distance(lab, standing)), standing) if new else None


def choose_open_task(lab: Lab, passed: Collection[str]) -> Task | None:
    """Return the first task that has not passed, and needs none such."""
    left = [task for task in lab.tasks if task.id not in passed]
    ready = [task for task in left if set(task.needs) <= set(passed)]
    return next(iter(ready or left), None)


def _go_on(lab: Lab, workspace: WorkspaceRecord, task: Task, here: str) -> NextStep:
    gained = sum(one.points for one in lab.tasks if one.id in workspace.passed)
    left = len(lab.tasks) - sum(one.id in workspace.passed for one in lab.tasks)
    tasks = "1 task is left" if left == 1 else f"{left} tasks are left"
    check = f"devlab check --task {task.id}"
    move = "" if workspace.key.path == here else f"cd {shlex.quote(workspace.key.path)} && "
    return NextStep(
        lab=lab,
        why=f"you have begun it: {gained} of {lab.points} points, {tasks}",
        command=move + check,
        workspace=workspace.key.path,
        task=task,
    )


def _distance(lab: Lab, standing: Standing) -> tuple[bool, int, int, int, str]:
    return (
        lab.track not in _tracks(standing),
        rank_level(lab.level),
        -len(_new_skills(lab, standing)),
        lab.minutes,
        lab.id,
    )


def _tracks(standing: Standing) -> set[str]:
    return {one.track for one in standing.labs if one.state != "new"}


def _new_skills(lab: Lab, standing: Standing) -> list[str]:
    """Return the titles of a lab's skills in which nothing was gained yet."""
    return [
        skill.title
        for skill in (*standing.skills, *standing.others)
        if lab.id in skill.labs and not skill.gained and not skill.elsewhere
    ]


def _begin(lab: Lab, standing: Standing) -> NextStep:
    return NextStep(
        lab=lab, why=_reason(lab, standing), command=f"devlab new {shlex.quote(lab.id)}"
    )


def _reason(lab: Lab, standing: Standing) -> str:
    mine = next(one for one in standing.labs if one.id == lab.id)
    new = _new_skills(lab, standing)
    teaches = f"new for you in it: {', '.join(new)}" if new else ""
    reasons = [_place(lab, mine, standing), teaches]
    return "; ".join(reason for reason in reasons if reason)


def _place(lab: Lab, mine: LabStanding, standing: Standing) -> str:
    if mine.state == "begun":
        return "you have begun it, and its workspace is gone or moved: a new one is quick"
    if not _tracks(standing):
        return f"a good first lab: {lab.level}"
    if lab.track in _tracks(standing):
        return f"it goes on with the track {lab.track}, which you have begun"
    return f"it begins another track: {lab.track}"
