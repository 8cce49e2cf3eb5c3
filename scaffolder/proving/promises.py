"""The author's contract: what each sort of answer must come to, and how a report breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from scaffolder.model import Lab, Mistake, Outcome, Report, TaskResult, Verdict

# A message of fewer words, or of only such words, names no cause.
_FEWEST_WORDS = 3
_EMPTY_WORDS = re.compile(
    r"\W*((the )?(check|test|task|assertion)?\s*(has )?failed|error)\W*", re.I
)


class Broken(NamedTuple):
    """A promise that a report breaks. `subject` is the task or check that its author looks at.

    Without one it is the case itself.
    """

    message: str
    hint: str = ""
    subject: str = ""


def judge_start(report: Report, lab: Lab) -> Iterator[Broken]:
    """Yield how the start breaks its promise: nothing passes before the learner did anything."""
    for task in report.tasks:
        given = lab.task(task.id).given
        if task.outcome is Outcome.PASS and not given:
            said = "; ".join(f"{one.id}: {one.verdict.message}" for one in task.checks)
            yield Broken(
                f"{task.id} passes before the learner did anything ({said})",
                hint="let the start lack it, or mark the task with `given: true`",
                subject=task.id,
            )
        if given and task.counts and task.outcome is not Outcome.PASS:
            message = f"{task.id} is marked as given, but ends with {_ending(task)}"
            yield Broken(message, subject=task.id)


def judge_right_answer(report: Report) -> Iterator[Broken]:
    """Yield how an answer that must score full marks does not."""
    for task in report.tasks:
        if task.counts and task.outcome is not Outcome.PASS:
            yield Broken(
                f"{task.id} ends with {_ending(task)}",
                hint="a right answer marked wrong is the worst that a grader does: mend the check",
            )


def _ending(task: TaskResult) -> str:
    said = [
        f"{one.id}: {_said(one.verdict)}"
        for one in task.checks
        if one.verdict.outcome is task.outcome
    ]
    return f"{task.outcome.value}: {'; '.join(said) or task.reason}"


def _said(verdict: Verdict) -> str:
    evidence = verdict.evidence
    happened = f" ({evidence.actual})" if evidence is not None and evidence.actual else ""
    return verdict.message + happened


def judge_mistake(report: Report, mistake: Mistake) -> Iterator[Broken]:
    """Yield how a mistake fails other checks than those that it names."""
    ended = {one.id: one.verdict for task in report.tasks for one in task.checks}
    failed = {name for name, one in ended.items() if one.outcome is Outcome.FAIL}
    for name in mistake.fails:
        if name not in ended:
            yield Broken(
                f"{mistake.id} names {name}, whose task was blocked by others that it fails",
                hint=f"take {name} out of `fails`: it did not get to say anything",
            )
        elif ended[name].outcome is Outcome.PASS:
            yield Broken(
                f"{mistake.id} does not fail {name}, which says: {ended[name].message}",
                hint="the check does not notice this mistake, or the mistake is none",
            )
        elif ended[name].not_shown:
            yield Broken(
                f"{mistake.id} does not fail {name}, which cannot be run for it: "
                f"{ended[name].message}",
                hint="write the mistake with what can be run here",
            )
    for name in sorted(failed - set(mistake.fails)):
        yield Broken(
            f"{mistake.id} fails {name} too, and does not name it: {_said(ended[name])}",
            hint=f"if that is right, add {name} to its `fails`; if not, the check blames too much",
        )


def judge_copy(report: Report) -> Iterator[Broken]:
    """Yield that an answer which one learner took over from another does not show."""
    if not any(task.outcome is Outcome.FAIL for task in report.tasks):
        yield Broken(
            "the solution of another learner scores full marks, so copied answers do not show",
            hint="let a check ask for what varies: by {{ name }} in its parameters, or in "
            "`vary.checks`",
        )


def find_errors(report: Report) -> Iterator[Broken]:
    """Yield each check that ended in an error: the grader's own fault, whatever the answer."""
    for one in (one for task in report.tasks for one in task.checks):
        if one.verdict.outcome is Outcome.ERROR:
            yield Broken(
                f"{one.id} ({one.kind}) ended in an error: {one.verdict.message}",
                hint=one.verdict.hint,
                subject=one.id,
            )


def find_wordless(report: Report) -> Iterator[Broken]:
    """Yield each failing verdict whose message does not name the cause."""
    for one in (one for task in report.tasks for one in task.checks):
        if one.verdict.outcome is Outcome.FAIL and not names_a_cause(one.verdict.message):
            yield Broken(
                f"{one.id} ({one.kind}) fails and names no cause: {one.verdict.message!r}",
                hint="say what was seen, in words that a learner understands",
                subject=one.id,
            )


def names_a_cause(message: str) -> bool:
    """Whether the message of a failing verdict says what is wrong, not only that something is."""
    if message.startswith("assert ") or _EMPTY_WORDS.fullmatch(message):
        return False
    return len(re.findall(r"\w+", message)) >= _FEWEST_WORDS
