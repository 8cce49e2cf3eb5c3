"""What grading tells while it goes on."""

from __future__ import annotations

import msgspec

from scaffolder.model import CheckResult, TaskResult


class CheckStarted(msgspec.Struct, frozen=True, tag=True):
    task_id: str
    check_id: str


class CheckSaid(msgspec.Struct, frozen=True, tag=True):
    """A running check tells what it is at now."""

    task_id: str
    check_id: str
    text: str


class CheckEnded(msgspec.Struct, frozen=True, tag=True):
    task_id: str
    result: CheckResult


class TaskEnded(msgspec.Struct, frozen=True, tag=True):
    result: TaskResult


Event = CheckStarted | CheckSaid | CheckEnded | TaskEnded
