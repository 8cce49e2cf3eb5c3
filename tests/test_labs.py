"""Every shipped lab: its start fails, its right answers score full marks, its mistakes fail."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import msgspec
import pytest

from scaffolder import workspace
from scaffolder.core.folders import remove_tree
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.labs.families import list_lab_families
from scaffolder.labs.generate import build_state
from scaffolder.model import Lab, Mistake, Outcome, Report
from scaffolder.model.proofs import Case, Fate, Stage
from scaffolder.proving import planning
from scaffolder.proving.grading import Plan, run_case
from scaffolder.proving.ledger import Ledger, is_sampled
from scaffolder.proving.lint import lint_lab
from scaffolder.proving.memory import Memory
from scaffolder.tools.processes import CancelToken

STATES = ("start", "solution", "alternative:*", "mistake:*")
# Those of packs, which this machine may have, are their authors' to prove.
PLANS = {
    lab.id: planning.plan_proof(lab, STATES) for lab in catalog.load_labs() if "/" not in lab.id
}
ROOT = Path(__file__).parent.parent
LEDGER = Ledger(ROOT / "docs" / "proof.lock")


def marks(lab: Lab) -> list[pytest.MarkDecorator]:
    return [getattr(pytest.mark, family.name) for family in list_lab_families(lab) if family.tools]


@cache
def commit() -> str:
    """Return the commit that is tested, which draws what is graded in spite of the ledger."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def skip_if_proven(plan: Plan, case: Case, folder: Path) -> None:
    """Skip a case that docs/proof.lock knows, unless it is drawn for a sample; build it to see."""
    if os.environ.get("DEVLAB_TEST_ALL_ANSWERS"):
        return
    build_state(plan.variants[case.learner].lab, case.state, case.variables, folder)
    digest = plan.digest_case(case, workspace.fingerprint_work(folder))
    remove_tree(folder)
    if LEDGER.holds(plan.lab.id, case.name, digest) and not is_sampled(digest, commit()):
        pytest.skip(
            f"{plan.lab.id}: not graded anew: docs/proof.lock says that it holds, and nothing that "
            "decides has changed (DEVLAB_TEST_ALL_ANSWERS=1 grades all)"
        )


# Those that must earn nothing or everything. One of the runs of the solution is enough here.
ANSWERS = [
    pytest.param(plan, case, id=f"{name}-{case.name}", marks=marks(plan.lab))
    for name, plan in PLANS.items()
    for case in plan.cases
    if case.stage in (Stage.START, Stage.ALTERNATIVE) or case.variables
]
MISTAKES = [
    pytest.param(plan, case, id=f"{name}-{case.name.partition(':')[2]}", marks=marks(plan.lab))
    for name, plan in PLANS.items()
    for case in plan.cases
    if case.stage is Stage.MISTAKE
]


def check(lab: Lab, state: str, tmp_path: Path) -> Report:
    build_state(PLANS[lab.id].lab, state, {}, tmp_path / "work")
    return grade(lab, workspace.find_workspace(tmp_path / "work"))


def explain(report: Report) -> str:
    """Return the verdicts that were not passed, for the message of a failed assertion."""
    return "\n".join(
        f"{task.id}/{one.id}: {one.verdict.outcome}: {one.verdict.message}\n{one.verdict.evidence}"
        for task in report.tasks
        for one in task.checks
        if one.verdict.outcome is not Outcome.PASS
    )


def skip_if_ungraded(report: Report) -> None:
    missing = {
        one.verdict.message
        for task in report.tasks
        for one in task.checks
        if one.verdict.outcome is Outcome.UNAVAILABLE
    }
    if missing:
        pytest.skip(f"{report.lab_id}: {'; '.join(sorted(missing))}")


def test_the_labs_are_there() -> None:
    assert set(PLANS) >= {"containerize-flask", "ci-pipeline", "terraform-stubs", "slim-image"}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_lab_is_sound_as_far_as_can_be_said_without_running_it(plan: Plan) -> None:
    assert lint_lab(plan.lab.root) == ()
    assert plan.lab.points == 100
    for task in plan.lab.tasks:
        checks = {one.id for one in task.checks}
        named = [one for one in plan.mistakes.values() if checks & set(one.fails)]
        assert len(named) >= 2, f"{task.id} has {len(named)} mistakes"


@pytest.mark.parametrize(("plan", "case"), ANSWERS)
def test_the_start_earns_nothing_and_right_answers_everything(
    plan: Plan, case: Case, tmp_path: Path
) -> None:
    """In a path that is not plain, and without touching the workspace."""
    skip_if_proven(plan, case, tmp_path / "answer")
    result = run_case(plan, case, tmp_path / "wörk space", CancelToken(), Memory(None))
    if result.fate is Fate.UNGRADED:
        pytest.skip(f"{plan.lab.id}: {'; '.join(one.message for one in result.problems)}")
    assert result.fate is Fate.HOLDS, result.problems


@pytest.mark.parametrize(("plan", "case"), MISTAKES)
def test_mistakes_fail_what_they_name(plan: Plan, case: Case, tmp_path: Path) -> None:
    """That they fail nothing else, of all that the lab checks, is for `ci/proof` to show."""
    skip_if_proven(plan, case, tmp_path / "answer")
    mistake = plan.mistakes[case.state.partition(":")[2]]
    report = check(only_named(plan.lab, mistake), case.state, tmp_path)
    skip_if_ungraded(report)
    verdicts = [one.verdict for task in report.tasks for one in task.checks]
    assert len(verdicts) == len(mistake.fails)
    assert {one.outcome for one in verdicts} == {Outcome.FAIL}, explain(report)
    assert all(len(one.message) > 15 for one in verdicts), "says nothing of the cause"


def only_named(lab: Lab, mistake: Mistake) -> Lab:
    """Return the lab with only the checks that the mistake names, in tasks that need nothing."""
    tasks = tuple(
        msgspec.structs.replace(task, needs=(), checks=named)
        for task in lab.tasks
        if (named := tuple(one for one in task.checks if one.id in mistake.fails))
    )
    return msgspec.structs.replace(lab, tasks=tasks)
