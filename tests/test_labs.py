"""Every shipped lab: its start fails, its right answers score full marks, its mistakes fail."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from scaffolder import catalog, workspace
from scaffolder.generate import build_state
from scaffolder.grading import grade
from scaffolder.labfile import read_wrong_answers
from scaffolder.model import Lab, Mistake, Outcome, Report

LABS = {lab.id: lab for lab in catalog.labs()}

# What the checks of a lab cannot do without; a lab that is not here needs nothing special.
NEEDS = {"containerize-flask": pytest.mark.engine, "terraform-stubs": pytest.mark.terraform}

# Another set of variables than the defaults: what is graded must not depend on them.
OTHER = {"service_name": "order-book", "port": "9123", "author": 'Zoë "Z" O\'Neil'}


def cases(lab: Lab, *values: object) -> list[object]:
    marks = [NEEDS[lab.id]] if lab.id in NEEDS else []
    return [
        pytest.param(lab, value, id=f"{lab.id}-{getattr(value, 'id', value)}", marks=marks)
        for value in values
    ]


ALTERNATIVES = [
    case
    for lab in LABS.values()
    for case in cases(lab, *sorted(path.name for path in lab.root.glob("alternatives/*")))
]
MISTAKES = [case for lab in LABS.values() for case in cases(lab, *read_wrong_answers(lab).mistakes)]
EACH_LAB = [case for lab in LABS.values() for case in cases(lab, "")]


def check(lab: Lab, state: str, tmp_path: Path) -> Report:
    build_state(LABS[lab.id], state, {}, tmp_path / "work")
    return grade(lab, workspace.find(tmp_path / "work"))


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


def fingerprint(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_three_labs_are_there() -> None:
    assert set(LABS) >= {"containerize-flask", "ci-pipeline", "terraform-stubs"}


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_a_lab_is_complete(lab: Lab) -> None:
    instructions = (lab.root / "instructions.md").read_text("utf-8")
    mistaken = {name for mistake in read_wrong_answers(lab).mistakes for name in mistake.fails}
    assert lab.points == 100
    for task in lab.tasks:
        checks = {one.id for one in task.checks}
        named = [one for one in read_wrong_answers(lab).mistakes if checks & set(one.fails)]
        assert len(named) >= 2, f"{task.id} has {len(named)} mistakes"
        assert len(task.hints) >= 2, f"{task.id} has {len(task.hints)} hints"
        assert task.id in instructions, f"{task.id} is not in the instructions"
        assert checks <= mistaken, f"no mistake fails {checks - mistaken}"


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
@pytest.mark.parametrize("state", ["start", "solution"])
@pytest.mark.parametrize("variables", [{}, OTHER], ids=["defaults", "others"])
def test_nothing_is_left_unrendered(
    lab: Lab, state: str, variables: dict[str, str], tmp_path: Path
) -> None:
    build_state(lab, state, variables, tmp_path / "work")
    for path in (tmp_path / "work").rglob("*"):
        text = path.read_text("utf-8") if path.is_file() else ""
        assert "cookiecutter." not in text, path
        assert "{%" not in text, path
        assert not path.name.endswith(".jinja")


@pytest.mark.parametrize(("lab", "_"), EACH_LAB)
def test_the_start_fails_every_task(lab: Lab, _: str, tmp_path: Path) -> None:
    report = check(lab, "start", tmp_path)
    passed = [task.id for task in report.tasks if task.outcome is Outcome.PASS]
    broken = [task.id for task in report.tasks if task.outcome is Outcome.ERROR]
    assert not passed, "passes before the learner did anything"
    assert not broken, explain(report)
    assert report.score.earned == 0
    assert any(task.outcome is Outcome.FAIL for task in report.tasks)


@pytest.mark.parametrize(("lab", "_"), EACH_LAB)
def test_the_solution_scores_full_marks(lab: Lab, _: str, tmp_path: Path) -> None:
    """With other variables than the defaults, and without touching the workspace."""
    root = tmp_path / "wörk space"
    build_state(lab, "solution", OTHER, root)
    before = fingerprint(root)
    report = grade(lab, workspace.find(root))
    skip_if_ungraded(report)
    assert report.score == type(report.score)(100, 100, 100), explain(report)
    assert fingerprint(root) == before


@pytest.mark.parametrize(("lab", "name"), ALTERNATIVES)
def test_alternatives_score_full_marks(lab: Lab, name: str, tmp_path: Path) -> None:
    report = check(lab, f"alternative:{name}", tmp_path)
    skip_if_ungraded(report)
    assert report.score == type(report.score)(100, 100, 100), explain(report)


@pytest.mark.parametrize(("lab", "mistake"), MISTAKES)
def test_mistakes_fail_what_they_name(lab: Lab, mistake: Mistake, tmp_path: Path) -> None:
    """And no other check of the same tasks. What the tasks need is left out, to be quick."""
    report = check(only_named(lab, mistake), f"mistake:{mistake.id}", tmp_path)
    skip_if_ungraded(report)
    verdicts = {one.id: one.verdict for task in report.tasks for one in task.checks}
    failed = {name for name, one in verdicts.items() if one.outcome is Outcome.FAIL}
    passed = {name for name, one in verdicts.items() if one.outcome is Outcome.PASS}
    assert failed == set(mistake.fails), explain(report)
    assert failed | passed == set(verdicts), explain(report)
    assert all(len(verdicts[name].message) > 15 for name in failed), "says nothing of the cause"


def only_named(lab: Lab, mistake: Mistake) -> Lab:
    """Return the lab with only the tasks whose checks the mistake names, needing nothing."""
    tasks = tuple(
        msgspec.structs.replace(task, needs=())
        for task in lab.tasks
        if {one.id for one in task.checks} & set(mistake.fails)
    )
    return msgspec.structs.replace(lab, tasks=tasks)
