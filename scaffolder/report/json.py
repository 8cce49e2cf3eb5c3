"""The report as JSON, schema `devlab.report/1`: keys may be added, never renamed."""

from __future__ import annotations

from typing import Any

import msgspec

from scaffolder.model import CheckResult, Finish, NextLab, Report, TaskResult

SCHEMA = "devlab.report/1"


def render(report: Report) -> str:
    """Return the report as indented JSON that ends in a newline."""
    encoded = msgspec.json.encode(make_document(report))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def make_document(report: Report) -> dict[str, Any]:
    """Return the report as the data that the schema describes."""
    return {
        "schema": SCHEMA,
        "lab": {"id": report.lab_id, "version": report.lab_version, "title": report.lab_title},
        "workspace": report.workspace,
        "learner": report.learner or None,
        "outcome": report.outcome.value,
        "score": report.score,
        "seconds": round(report.seconds, 3),
        "notes": list(report.notes),
        "changes": [{"task": one.task, "points": one.points} for one in report.news.changes],
        "proved": [{"task": one.task, "says": one.says} for one in report.news.proved],
        "finish": report.finish and _finish(report.finish, report.news.next),
        "tasks": [_task(task) for task in report.tasks],
    }


def _finish(finish: Finish, following: NextLab | None) -> dict[str, Any]:
    return {
        "proved": finish.proved,
        "at_work": finish.at_work,
        "next": following and {"title": following.title, "command": following.command},
    }


def _task(task: TaskResult) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "points": task.points,
        "earned": task.earned,
        "verdict": task.outcome.value,
        "cause": task.cause,
        "reason": task.reason,
        "checks": [_check(check) for check in task.checks],
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "id": check.id,
        "kind": check.kind,
        "verdict": check.verdict.outcome.value,
        "cause": check.verdict.cause,
        "message": check.verdict.message,
        "because": check.verdict.because,
        "hint": check.verdict.hint,
        "seconds": round(check.seconds, 3),
        "cached": check.cached,
        "findings": [
            {"level": finding.level, **msgspec.to_builtins(finding)}
            for finding in check.verdict.findings
        ],
        "evidence": check.verdict.evidence,
    }
