"""The report as the results.json that Gradescope's autograder reads.

https://gradescope-autograders.readthedocs.io/en/latest/specs/

Gradescope knows no task that is ungraded, and the points of an assignment are fixed. That what a
machine cannot grade must cost nothing is kept by the total: it is the share of the points that
count which was earned, of all points. The tests show what was earned; an ungraded one has no score
and no status. What the work itself makes impossible to grade is not shown: it counts, and is never
scaled up over.
Where nothing at all could be graded there is no score anywhere: Gradescope then says that the
autograder failed, and neither zero nor full marks stand in a grade book.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scaffolder.core.text import sanitize_line
from scaffolder.model import CheckResult, Outcome, Report, Score, TaskResult
from scaffolder.report.details import explain_denominator, format_details


def render(report: Report) -> str:
    """Return the report as indented JSON that ends in a newline."""
    encoded = msgspec.json.encode(make_document(report))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def make_document(report: Report) -> dict[str, Any]:
    """Return the report as the data that Gradescope reads."""
    score = report.score
    return {
        **_total(score),
        "execution_time": round(report.seconds),
        "output": _words(report),
        "output_format": "text",
        "visibility": "visible",
        "tests": [_test(task) for task in report.tasks],
        "extra_data": {
            "lab": report.lab_id,
            "version": sanitize_line(report.lab_version),
            "outcome": report.outcome.value,
            **msgspec.to_builtins(score),
        },
    }


def _total(score: Score) -> dict[str, float]:
    if not score.gradable:
        return {}
    return {"score": round(score.earned * score.total / score.gradable, 2)}


def _words(report: Report) -> str:
    score = report.score
    lines = [f"{report.heading}: {score.earned} of {score.gradable} points"]
    if not score.gradable:
        lines.append("Nothing could be graded, so there is no score: this is no fault of yours.")
    else:
        lines += explain_denominator(report)
        if score.gradable < score.total:
            lines.append(f"The total is your share of the other {score.gradable} points.")
    return "\n".join(sanitize_line(line) for line in [*lines, *report.notes])


def _test(task: TaskResult) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": sanitize_line(f"{task.title} ({task.id})"),
        "name_format": "text",
        "output": _output(task),
        "output_format": "text",
        "visibility": "visible",
    }
    if task.counts:
        status = "passed" if task.outcome is Outcome.PASS else "failed"
        test |= {"score": task.earned, "max_score": task.points, "status": status}
    return test


def _output(task: TaskResult) -> str:
    lines = [] if task.counts else ["not graded: this costs no points"]
    if task.reason:
        lines.append(sanitize_line(task.reason))
    return "\n".join([*lines, *(_check(check) for check in task.checks)])


def _check(check: CheckResult) -> str:
    verdict = check.verdict
    head = sanitize_line(f"{verdict.outcome.value}: {check.id}: {verdict.message}")
    told = "" if verdict.outcome is Outcome.PASS else format_details(check)
    return "\n".join([head, *(f"  {line}" for line in told.splitlines())])
