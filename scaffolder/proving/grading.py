"""Grade one case of a lab's proof and hold the report against the promise."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scaffolder import workspace
from scaffolder.core.errors import DevlabError, InterruptedRunError
from scaffolder.core.folders import remove_tree
from scaffolder.grading.grader import grade
from scaffolder.labs import generate
from scaffolder.model import Cause, Lab, Mistake, Outcome, Problem, Report
from scaffolder.model.events import CheckEnded, Event
from scaffolder.model.proofs import Case, CaseResult, Fate, Stage
from scaffolder.proving import promises
from scaffolder.proving.ledger import digest_case
from scaffolder.proving.memory import Memory, Remembered, make_answer_key
from scaffolder.proving.mutants import Mutant
from scaffolder.proving.promises import Broken
from scaffolder.proving.states import build_mutant
from scaffolder.tools.processes import CancelToken


@dataclass(frozen=True)
class Variant:
    """A lab as one learner has it: what memory knows it by, and the fingerprint of its start."""

    lab: Lab
    key: str
    start: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What a lab is proven with, and what its author wrote about each case.

    `variants` are the lab as learners have it, by the learner's id, "" for everybody's; `accepted`
    maps the ids of mutants that are `equivalent` to the reason; `places` the place of each case by
    its state, and of each task and check by its id: a file of the lab's and a line.
    """

    lab: Lab
    variants: Mapping[str, Variant]
    cases: tuple[Case, ...]
    mistakes: Mapping[str, Mistake]
    mutants: Mapping[str, Mutant]
    accepted: Mapping[str, str]
    places: Mapping[str, tuple[str, int | None]]

    def digest_case(self, case: Case, answer: Mapping[str, str]) -> str:
        """Return what a ledger knows a case by, given the fingerprint of the answer's folder."""
        variant = self.variants[case.learner]
        mistake = self.mistakes.get(_name(case)) if case.stage is Stage.MISTAKE else None
        promise = (case.stage, *(sorted(mistake.fails) if mistake else ()))
        return digest_case(variant.lab, case.name, promise, variant.start, answer)

    def located(self, case: Case, broken: Broken) -> Problem:
        """Return what is broken by a case as a problem at the place where its author looks."""
        path, line = self.places[broken.subject or case.state]
        return Problem(broken.message, path, line, broken.hint)


def run_case(
    plan: Plan, case: Case, folder: Path, cancel: CancelToken, memory: Memory
) -> CaseResult:
    """Build a case in the new folder `folder`, grade it, and say whether its promise holds.

    What `memory` knows is not graded again. Raises InterruptedRunError when `cancel` is called.
    Whatever else goes wrong, in building the case too, is a problem of the lab's.
    """
    started = time.monotonic()
    try:
        result = _judge(plan, case, _graded(plan, case, folder, cancel, memory))
    except InterruptedRunError:
        raise
    except DevlabError as error:
        broken = Broken(f"{case.state} cannot be graded: {error.message}", hint=error.hint)
        result = CaseResult(case, Fate.BROKEN, 0, (plan.located(case, broken),))
    finally:
        remove_tree(folder)
    return msgspec.structs.replace(result, seconds=time.monotonic() - started)


@dataclass(frozen=True)
class _Graded:
    """What grading a case came to, now or before, and what it changed in the workspace."""

    seen: Remembered
    digest: str
    remembered: bool = False
    touched: tuple[str, ...] = ()


def _graded(plan: Plan, case: Case, folder: Path, cancel: CancelToken, memory: Memory) -> _Graded:
    mutant = case.stage is Stage.MUTANT
    variant = plan.variants[case.learner]
    lab = variant.lab
    if mutant:
        build_mutant(lab, plan.mutants[_name(case)], case.variables, folder)
    else:
        generate.build_state(lab, case.state, case.variables, folder)
    before = workspace.fingerprint_work(folder)
    digest = plan.digest_case(case, before)
    name = make_answer_key(variant.key, before, first_fail=mutant)
    known = None if case.stage is Stage.SOLUTION else memory.recall(name)
    if known is not None:
        return _Graded(known, digest, remembered=True)
    if mutant:
        seen = _grade_until_a_fail(lab, folder, cancel)
    else:
        seen = Remembered(grade(lab, workspace.find_workspace(folder), cancel=cancel))
    after = workspace.fingerprint_work(folder)
    touched = {one for one in {*before, *after} if before.get(one) != after.get(one)}
    if not touched:
        memory.keep(name, seen)
    return _Graded(seen, digest, touched=tuple(sorted(touched)))


def _name(case: Case) -> str:
    return case.state.partition(":")[2]


def _judge(plan: Plan, case: Case, graded: _Graded) -> CaseResult:
    if case.stage is Stage.MUTANT:
        result = _judge_mutant(plan, case, graded.seen)
    elif graded.seen.report is None:
        raise AssertionError(case)
    else:
        result = _judge_report(plan, case, graded.seen.report)
    if graded.touched:
        broken = Broken(
            f"checking changed the workspace: {', '.join(graded.touched[:5])}",
            hint="a check works on a copy; this is a fault of its kind",
        )
        problems = (*result.problems, plan.located(case, broken))
        result = msgspec.structs.replace(result, fate=Fate.BROKEN, problems=problems)
    return msgspec.structs.replace(result, remembered=graded.remembered, digest=graded.digest)


def _judge_report(plan: Plan, case: Case, report: Report) -> CaseResult:
    found = [*_broken(plan, case, report), *promises.find_errors(report)]
    found += promises.find_wordless(report)
    missing = [] if found else list(_missing(report))
    fate = Fate.BROKEN if found else Fate.UNGRADED if missing else Fate.HOLDS
    problems = tuple(plan.located(case, one) for one in found or missing)
    return CaseResult(case, fate, 0, problems, _failed(report), _outcomes(report))


def _broken(plan: Plan, case: Case, report: Report) -> Iterator[Broken]:
    if case.stage is Stage.START:
        return promises.judge_start(report, plan.variants[case.learner].lab)
    if case.stage is Stage.COPY:
        return promises.judge_copy(report)
    if case.stage is Stage.MISTAKE:
        return promises.judge_mistake(report, plan.mistakes[_name(case)])
    return promises.judge_right_answer(report)


def _missing(report: Report) -> Iterator[Broken]:
    said: dict[str, str] = {
        one.verdict.message: one.verdict.hint
        for task in report.tasks
        for one in task.checks
        if one.verdict.cause is Cause.MACHINE
    }
    for message, hint in said.items():
        yield Broken(f"could not be graded here: {message}", hint=hint)


def _outcomes(report: Report) -> dict[str, Outcome]:
    return {one.id: one.verdict.outcome for task in report.tasks for one in task.checks}


def _failed(report: Report) -> tuple[str, ...]:
    return tuple(name for name, one in _outcomes(report).items() if one is Outcome.FAIL)


class _FirstFail:
    """Ends a run at its first failing check: more is not asked of a mutant."""

    def __init__(self, cancel: CancelToken) -> None:
        self.seen: Remembered | None = None
        self._cancel = cancel

    def __call__(self, event: Event) -> None:
        if self.seen is not None or not isinstance(event, CheckEnded):
            return
        verdict = event.result.verdict
        if verdict.outcome is Outcome.FAIL:
            self.seen = Remembered(failed=(event.result.id,), lasting=verdict.lasting)
            self._cancel.cancel()


def _grade_until_a_fail(lab: Lab, folder: Path, cancel: CancelToken) -> Remembered:
    own = CancelToken()
    first = _FirstFail(own)
    report = None
    with cancel.on_cancel(own.cancel), contextlib.suppress(InterruptedRunError):
        report = grade(lab, workspace.find_workspace(folder), listen=first, cancel=own)
    cancel.raise_if_cancelled()
    if first.seen is not None:
        return first.seen
    if report is None:
        raise InterruptedRunError
    return Remembered(report)


def _judge_mutant(plan: Plan, case: Case, seen: Remembered) -> CaseResult:
    mutant = plan.mutants[_name(case)]
    if seen.report is None:
        return _killed(plan, case, mutant, seen.failed)
    return _survived(plan, case, mutant, seen.report)


def _killed(plan: Plan, case: Case, mutant: Mutant, failed: tuple[str, ...]) -> CaseResult:
    if mutant.id not in plan.accepted:
        return CaseResult(case, Fate.HOLDS, 0, (), failed, dict.fromkeys(failed, Outcome.FAIL))
    stale = Broken(
        f"{mutant.id} is accepted as equivalent, but {failed[0]} fails it",
        hint="take it out of `equivalent`",
    )
    return CaseResult(case, Fate.BROKEN, 0, (plan.located(case, stale),), failed)


def _survived(plan: Plan, case: Case, mutant: Mutant, report: Report) -> CaseResult:
    errors = tuple(plan.located(case, problem) for problem in promises.find_errors(report))
    missing = tuple(plan.located(case, problem) for problem in _missing(report))
    if errors:
        return CaseResult(case, Fate.BROKEN, 0, errors, (), _outcomes(report))
    if missing:
        return CaseResult(case, Fate.UNGRADED, 0, missing, (), _outcomes(report))
    if mutant.id in plan.accepted:
        return CaseResult(case, Fate.EQUIVALENT, 0, (), (), _outcomes(report), mutant.diff)
    alive = Broken(
        f"scores full marks: {mutant.title}",
        hint="add a check or sharpen one, or accept it in mistakes.yaml under `equivalent:` "
        f"as {mutant.id} with a reason",
    )
    problems = (plan.located(case, alive),)
    return CaseResult(case, Fate.SURVIVED, 0, problems, (), _outcomes(report), mutant.diff)
