"""What grading tells while it goes on."""

from __future__ import annotations

import msgspec

from scaffolder.model import CheckResult, TaskResult


class CheckStarted(msgspec.Struct, frozen=True, tag=True):
    """A check began."""

    task_id: str
    check_id: str


class CheckSaid(msgspec.Struct, frozen=True, tag=True):
    """A running check tells what it is at now."""

    task_id: str
    check_id: str
    text: str


class CheckEnded(msgspec.Struct, frozen=True, tag=True):
    """A check came to a verdict."""

    task_id: str
    result: CheckResult


class TaskEnded(msgspec.Struct, frozen=True, tag=True):
    """A task came to its outcome."""

    result: TaskResult


Event = CheckStarted | CheckSaid | CheckEnded | TaskEnded
