"""The report as Markdown, to paste into a pull request or a wiki, or for a step's summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scaffolder.model import Cause, CheckResult, Evidence, Finding, Outcome, Report, TaskResult
from scaffolder.report.details import explain_denominator, format_points
from scaffolder.report.markup import (
    format_block,
    format_code,
    format_link,
    format_prose,
    format_table,
)

# What GitHub takes as the text of a pull request or a comment, in characters.
PASTED = 65_536
_ROOM_FOR_LAST_WORDS = 200
_FINDINGS_SHOWN = 20

_VERDICTS = {
    Outcome.PASS: "✅ pass",
    Outcome.FAIL: "❌ fail",
    Outcome.BLOCKED: "⏸️ blocked",
    Outcome.UNAVAILABLE: "❔ unavailable",
    Outcome.ERROR: "⚠️ error",
}
_NOT_SHOWN = "🚫 not shown"


def render(report: Report, limit: int = PASTED) -> str:
    """Return the report as Markdown of at most `limit` bytes; what does not fit is counted."""
    return _fitted(list(_blocks(report)), limit)


def _blocks(report: Report) -> Iterator[str]:
    """Yield parts that each stand for themselves: the text may end after any of them."""
    score = report.score
    yield f"## {score.earned} of {score.gradable} points · {format_prose(report.heading)}"
    yield format_table(["verdict", "task", "what must hold", "points"], map(_row, report.tasks))
    yield from explain_denominator(report, format_code)
    yield from (f"Note: {format_prose(note)}" for note in report.notes)
    for task in report.tasks:
        for check in task.checks:
            if check.verdict.outcome is not Outcome.PASS:
                yield _check(task, check)


def _row(task: TaskResult) -> list[str]:
    # The ids of tasks are lower-case words with hyphens, by lab.yaml's own rules.
    what = format_prose(task.reason or task.title)
    return [_word(task), format_prose(task.id), what, format_points(task)]


def _word(task: TaskResult) -> str:
    return _NOT_SHOWN if task.cause is Cause.WORK else _VERDICTS[task.outcome]


def _check(task: TaskResult, check: CheckResult) -> str:
    verdict = check.verdict
    mark = (_NOT_SHOWN if verdict.not_shown else _VERDICTS[verdict.outcome]).split()[0]
    parts = [
        f"### {mark} {format_prose(task.id)} · {format_prose(check.id)}",
        f"**{_line(verdict.message)}**",
    ]
    items = [f"- {_finding(finding)}" for finding in verdict.findings[:_FINDINGS_SHOWN]]
    if len(verdict.findings) > _FINDINGS_SHOWN:
        items.append(f"- and {len(verdict.findings) - _FINDINGS_SHOWN} more")
    if verdict.evidence is not None:
        items += _observed(verdict.evidence)
    if items:
        parts.append("\n".join(items))
    if verdict.evidence is not None and verdict.evidence.log:
        parts.append(format_block(verdict.evidence.log))
    if verdict.hint:
        parts.append(f"Next: {format_prose(verdict.hint)}")
    return "\n\n".join(parts)


def _line(message: str) -> str:
    return format_prose(message) or "no reason was given"


def _finding(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    parts = [format_code(place)] if finding.path and place else []
    parts.append(format_prose(finding.message))
    if finding.rule:
        parts.append(format_link(finding.rule, finding.url or ""))
    elif finding.url:
        parts.append(format_link("why", finding.url))
    return " ".join(part for part in parts if part)


def _observed(evidence: Evidence) -> list[str]:
    named = {
        "ran": format_code(evidence.ran),
        "expected": format_prose(evidence.expected),
        "happened": format_prose(evidence.actual),
    }
    return [f"- {name}: {text}" for name, text in named.items() if text]


def _fitted(blocks: Sequence[str], limit: int) -> str:
    left = limit - _ROOM_FOR_LAST_WORDS
    for number, part in enumerate(blocks):
        left -= len(part.encode()) + 2
        if left < 0:
            missing = len(blocks) - number
            told = f"{missing} more parts did not fit in here: `devlab check` shows them all."
            return "\n\n".join([*blocks[:number], told]) + "\n"
    return "\n\n".join(blocks) + "\n"
