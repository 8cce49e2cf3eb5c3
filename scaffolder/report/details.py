"""What a check says in plain lines, for formats that have one field for all of it.

The lines are not yet harmless to print, except those of `format_details`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from scaffolder.core.text import sanitize_block
from scaffolder.model import CheckResult, Evidence, Finding, Report, TaskResult, Verdict

# What is said of points that the work itself makes impossible to grade.
NOT_SHOWN = "not shown: the work asks for what cannot be run here"


def format_points(task: TaskResult) -> str:
    """Return the points of a task as earned of all, with a dash where they do not count."""
    return f"{task.earned if task.counts else '-'}/{task.points}"


def explain_denominator(report: Report, quote: Callable[[str], str] = str) -> list[str]:
    """Return what is to be said of points that could not be graded, a line for each cause.

    `quote` puts a task's id into the words of a format.
    """
    score, lines = report.score, []
    if score.not_shown:
        lines.append(
            f"{score.not_shown} of {score.total} points are not shown, and not earned: the work "
            f"asks for what cannot be run here ({_names(report.not_shown, quote)})"
        )
    if score.gradable < score.total:
        lines.append(
            f"{score.total - score.gradable} of {score.total} points could not be graded here, and "
            f"cost nothing: {_names(report.ungraded, quote)}"
        )
    return lines


def _names(tasks: Sequence[TaskResult], quote: Callable[[str], str]) -> str:
    return ", ".join(quote(task.id) for task in tasks)


def list_causes(
    checks: Iterable[tuple[str, CheckResult]],
) -> list[tuple[Verdict, list[tuple[str, CheckResult]]]]:
    """Return checks, each behind the id of its task, by what is to be said of them, in order.

    What several say in the very same words, or what stops several, is one thing to say: it comes
    with the verdict in which it is said.
    """
    groups: dict[object, list[tuple[str, CheckResult]]] = {}
    for task_id, check in checks:
        verdict = check.verdict
        cause = (verdict.outcome, verdict.because) if verdict.because else verdict
        groups.setdefault(cause, []).append((task_id, check))
    return [(_say_once([one.verdict for _, one in group]), group) for group in groups.values()]


def _say_once(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that says what stops all of these checks."""
    first = verdicts[0]
    if len(set(verdicts)) == 1:
        return first
    hint = next((one.hint for one in verdicts if one.hint), "")
    return msgspec.structs.replace(first, message=first.because, hint=hint)


def format_details(check: CheckResult) -> str:
    """Return everything that a verdict rests on, and what to do next, harmless to print."""
    lines = [NOT_SHOWN] if check.verdict.not_shown else []
    lines += [format_finding(finding) for finding in check.verdict.findings]
    if check.verdict.evidence is not None:
        lines += [*format_evidence(check.verdict.evidence), *check.verdict.evidence.log]
    return sanitize_block("\n".join([*lines, *_next(check)]))


def format_explanation(check: CheckResult, findings: Sequence[Finding] = ()) -> str:
    """Return the verdict's message, these findings without their places, and what to do next."""
    message = check.verdict.message
    lines = [message, *(words for each in findings if (words := describe_finding(each)) != message)]
    if check.verdict.evidence is not None:
        lines += format_evidence(check.verdict.evidence)
    return "\n".join([*lines, *_next(check)])


def format_finding(finding: Finding) -> str:
    """Return a finding as compilers print one: place, message, rule."""
    place = f"{finding.path}:{finding.line or 1}: " if finding.path else ""
    return f"{place}{describe_finding(finding)}"


def describe_finding(finding: Finding) -> str:
    """Return a finding for where its place is told already."""
    return f"{finding.message} [{finding.rule}]" if finding.rule else finding.message


def split_findings(check: CheckResult) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings that name a file, and those that do not."""
    findings = check.verdict.findings
    return (
        tuple(finding for finding in findings if finding.path),
        tuple(finding for finding in findings if not finding.path),
    )


def format_evidence(evidence: Evidence) -> list[str]:
    """Return what was run, expected and seen, a line each."""
    named = {"ran": evidence.ran, "expected": evidence.expected, "happened": evidence.actual}
    return [f"{name}: {text}" for name, text in named.items() if text]


def _next(check: CheckResult) -> list[str]:
    return [f"next: {check.verdict.hint}"] if check.verdict.hint else []
