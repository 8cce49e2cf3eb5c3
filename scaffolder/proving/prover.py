"""Prove labs: all their cases side by side, then what they add up to."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.core.errors import DevlabError, InterruptedRunError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.labs import catalog
from scaffolder.model import Problem
from scaffolder.model.proofs import CaseEnded, CaseResult, CaseStarted, LabProof, ProofEvent, Stage
from scaffolder.proving import planning
from scaffolder.proving.digest import digest_lab
from scaffolder.proving.grading import Plan, run_case
from scaffolder.proving.lint import lint_lab
from scaffolder.proving.memory import Memory
from scaffolder.tools.processes import CancelToken

Listener = Callable[[ProofEvent], None]

_UNWIND_SECONDS = 30.0


@dataclass
class _Proof:
    """A lab while it is proven."""

    lab_id: str
    root: Path
    plan: Plan | None
    problems: list[Problem]
    complete: bool
    results: dict[str, CaseResult] = field(default_factory=dict)


def prove_labs(
    names: Sequence[str],
    *,
    only: Sequence[str] = (),
    jobs: int | None = None,
    memory: Path | None = None,
    afresh: bool = False,
    listen: Listener = lambda _: None,
    cancel: CancelToken | None = None,
) -> tuple[LabProof, ...]:
    """Prove labs, by id or folder, and return a proof of each, in the order given.

    `only` names the states to grade (all by default), `jobs` how many are graded at a time (one
    per processor); `memory` is the folder in which is kept what grading came to; `afresh` grades
    all anew, whatever is kept. A lab that cannot even be read is a proof with a problem, not an
    exception.
    Raises InterruptedRunError on Ctrl-C; everything that was created is removed then, too.
    """
    started = time.monotonic()
    proofs = [_begin(name, only) for name in names]
    with make_run_folder() as folder:
        known = Memory(memory, afresh=afresh)
        prover = _Prover(proofs, folder, known, listen, cancel or CancelToken())
        prover.run(jobs or os.cpu_count() or 2)
    return tuple(_conclude(proof, time.monotonic() - started) for proof in proofs)


def _begin(name: str, only: Sequence[str]) -> _Proof:
    root = catalog.locate(name)
    problems = list(lint_lab(root))
    try:
        lab = catalog.load_lab(name)
        plan = planning.plan_proof(lab, only)
    except DevlabError as error:
        if only and not problems:
            raise
        if not problems:
            problems.append(Problem(error.message, hint=error.hint))
        return _Proof(name, root, None, problems, complete=False)
    if not only:
        problems += planning.find_unknown_equivalents(lab, plan.mutants)
    return _Proof(lab.id, root, plan, problems, complete=not only)


class _Prover:
    """Grades the cases of all labs on one pool of threads."""

    def __init__(
        self,
        proofs: Sequence[_Proof],
        folder: Path,
        memory: Memory,
        listen: Listener,
        cancel: CancelToken,
    ) -> None:
        self._proofs = proofs
        self._folder = folder
        self._memory = memory
        self._listen = listen
        self._cancel = cancel
        self._total = sum(len(proof.plan.cases) for proof in proofs if proof.plan)

    def run(self, jobs: int) -> None:
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="case")
        futures = self._submit(pool)
        try:
            pending = set(futures)
            while pending:
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    futures[future].results[result.case.name] = result
        except (KeyboardInterrupt, InterruptedRunError) as error:
            self._cancel.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            # One that was cancelled before it began is never done, as far as waiting knows.
            wait([one for one in futures if not one.cancelled()], timeout=_UNWIND_SECONDS)
            raise InterruptedRunError from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, pool: ThreadPoolExecutor) -> dict[Future[CaseResult], _Proof]:
        futures = {}
        for proof in self._proofs:
            for number in range(len(proof.plan.cases) if proof.plan else 0):
                futures[pool.submit(self._run, proof, number)] = proof
        return futures

    def _run(self, proof: _Proof, number: int) -> CaseResult:
        self._cancel.raise_if_cancelled()
        plan = proof.plan
        if plan is None:
            raise AssertionError
        case = plan.cases[number]
        self._listen(CaseStarted(proof.lab_id, case, self._total))
        folder = self._folder / f"{self._proofs.index(proof)}-{number:03d}"
        result = run_case(plan, case, folder, self._cancel, self._memory)
        self._listen(CaseEnded(proof.lab_id, result, self._total))
        return result


def _conclude(proof: _Proof, seconds: float) -> LabProof:
    results: tuple[CaseResult, ...] = ()
    problems = proof.problems
    kills: Mapping[str, tuple[str, ...]] = {}
    if proof.plan is not None:
        results = tuple(proof.results[case.name] for case in proof.plan.cases)
        kills = _kills(proof.plan, results)
        problems = [*problems, *_flakes(proof.plan, results)]
        if proof.complete:
            problems += planning.find_unkilled(proof.plan, kills)
    return LabProof(
        lab_id=proof.lab_id,
        lab_version=proof.plan.lab.version if proof.plan else "",
        digest=digest_lab(proof.root, proof.plan.lab if proof.plan else None),
        results=results,
        problems=tuple(dict.fromkeys(problems)),
        kills=kills,
        seconds=seconds,
        accepted=proof.plan.accepted if proof.plan else {},
        complete=proof.complete,
    )


def _kills(plan: Plan, results: Sequence[CaseResult]) -> dict[str, tuple[str, ...]]:
    wrong = [one for one in results if one.case.stage in (Stage.MISTAKE, Stage.MUTANT)]
    return {
        check.id: tuple(one.case.name for one in wrong if check.id in one.killed_by)
        for task in plan.lab.tasks
        for check in task.checks
    }


def _flakes(plan: Plan, results: Sequence[CaseResult]) -> Iterator[Problem]:
    """Yield each check that ended differently in two runs of the very same answer."""
    same = [
        one
        for one in results
        if one.case.stage is Stage.SOLUTION and not one.case.variables and not one.case.learner
    ]
    for first, second in itertools.pairwise(same):
        for name, outcome in first.outcomes.items():
            other = second.outcomes.get(name, outcome)
            if other is not outcome:
                yield Problem(
                    f"{name} is flaky: on the same solution it ended with {outcome.value}, "
                    f"then with {other.value}",
                    *plan.places[name],
                    hint="look for time, order, network or shared state in what it checks",
                )
