"""The report for a step of GitHub Actions: annotations, a summary and outputs.

What a step prints is read for workflow commands, line by line, and the words in a report are
partly the learner's. So each line begins with words of ours, and every value is escaped as
GitHub's own toolkit does it.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from scaffolder.core.text import sanitize_line
from scaffolder.model import CheckResult, Outcome, Report, TaskResult
from scaffolder.report import markdown
from scaffolder.report.details import (
    NOT_SHOWN,
    describe_finding,
    format_explanation,
    split_findings,
)
from scaffolder.report.repository import find_repository_path

# GitHub shows no more annotations of one level for one step.
SHOWN = 10
# A larger summary (over 1 MiB for a step) is thrown away as a whole.
SUMMARY_LIMIT = 1_000_000

Level = Literal["error", "warning", "notice"]
_LEVELS: dict[str, Level] = {"error": "error", "warning": "warning", "info": "notice"}


class Annotation(NamedTuple):
    """What GitHub shows beside the code, or above it all where there is no path."""

    level: Level
    title: str
    message: str
    path: str = ""
    line: int | None = None


def render(report: Report) -> str:
    """Return what the step prints: an annotation for each finding, then the tasks and points."""
    lines = [_command(each) for each in annotate(report)]
    lines += [_inert(f"{task.outcome.value:<12}{task.id}  {task.title}") for task in report.tasks]
    score = report.score
    lines.append(_inert(f"{score.earned} of {score.gradable} points  {report.lab_title}"))
    return "\n".join(lines) + "\n"


def render_summary(report: Report) -> str:
    """Return what belongs into the file that GITHUB_STEP_SUMMARY names."""
    return markdown.render(report, SUMMARY_LIMIT)


def render_outputs(report: Report) -> str:
    """Return what belongs into the file that GITHUB_OUTPUT names; no word of it is a learner's."""
    score = report.score
    values = {
        "score": score.earned,
        "gradable": score.gradable,
        "total": score.total,
        "not_shown": score.not_shown,
        "outcome": report.outcome.value,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def annotate(report: Report) -> list[Annotation]:
    """Return what GitHub shows, at most SHOWN of a level; each failed check comes before details.

    What a machine could not grade is a warning: it is no error in the learner's work.
    """
    first: list[Annotation] = []
    others: list[Annotation] = []
    for task in report.tasks:
        for check in task.checks:
            made = list(_of(report, task, check))
            first += made[:1]
            others += made[1:]
    return [each for level in _LEVELS.values() for each in _shown(level, [*first, *others])]


def _shown(level: Level, every: Sequence[Annotation]) -> list[Annotation]:
    mine = [each for each in every if each.level == level]
    if len(mine) <= SHOWN:
        return mine
    left = len(mine) - SHOWN + 1
    told = Annotation(level, "devlab check", f"and {left} more: the step's summary tells them")
    return [*mine[: SHOWN - 1], told]


def _of(report: Report, task: TaskResult, check: CheckResult) -> Iterator[Annotation]:
    verdict = check.verdict
    if not verdict.outcome.graded:
        told = NOT_SHOWN if verdict.not_shown else "not graded here: this costs no points"
        words = f"{format_explanation(check)}\n{told}"
        what = "not shown" if verdict.not_shown else "not graded"
        yield Annotation("warning", f"{task.title} ({task.id}): {what}", words)
    if verdict.outcome is not Outcome.FAIL:
        return
    title = f"{task.title} ({task.id})"
    located, unlocated = split_findings(check)
    if not located:
        yield Annotation("error", title, format_explanation(check, unlocated))
    for number, finding in enumerate(located):
        # The first one speaks for the check: it fails the task, however mild the linter puts it.
        level = "error" if number == 0 else _LEVELS[finding.level]
        words = (
            describe_finding(finding)
            if number
            else format_explanation(check, (finding, *unlocated))
        )
        path = find_repository_path(report.workspace, finding.path or "")
        yield Annotation(level, title, words, path, finding.line)


def _command(annotation: Annotation) -> str:
    values = {
        "file": annotation.path,
        "line": str(annotation.line or "") if annotation.path else "",
        "title": annotation.title,
    }
    told = ",".join(f"{name}={_property(text)}" for name, text in values.items() if text)
    return f"::{annotation.level} {told}::{_data(annotation.message)}"


def _data(text: str) -> str:
    """Escape the value of a command; its lines stay lines."""
    return "%0A".join(_inert(line).replace("%", "%25") for line in text.splitlines())


def _property(text: str) -> str:
    return _inert(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def _inert(text: str) -> str:
    """Return one printable line without the older form of a command, found anywhere in a line."""
    return sanitize_line(text).replace("##[", "## [")
