"""Each folder in examples/suites is a suite of tests of one project, and what is to be said of it.

`work` lies over the project; the suites that are right differ, and the others look right or try to
be taken for that. `reference` is the lab's own answer.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.python import environment, suite
from scaffolder.checks.python.environment import EnvironmentMaker
from scaffolder.checks.python.kind import PythonTests
from scaffolder.checks.python.suite import Copy
from scaffolder.core import yaml_source
from scaffolder.core.errors import UnavailableError
from scaffolder.grading.judge import judge
from scaffolder.model import Cause, CheckSpec, Fault, Outcome, Verdict
from scaffolder.proving.lint import lint_lab
from scaffolder.sandbox import OwnWork
from scaffolder.tools import wheelhouse
from scaffolder.workspace import take_snapshot
from tests.support.command import Devlab

EXAMPLES = Path(__file__).parent / "examples" / "suites"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/expected.yaml"))
FAULTS = ("no-limit", "free-from-above", "number-is-ignored")

pytestmark = pytest.mark.python


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    """What the kind must say: its outcome, words of its message, the rules of its findings."""

    outcome: Outcome
    message: str
    rules: list[str] = []
    parameters: dict[str, Any] = msgspec.field(name="with", default_factory=dict)


@pytest.fixture(scope="session")
def makers() -> dict[tuple[str, ...], EnvironmentMaker]:
    """What makes environments, by what the start requires: the tests of a process share it."""
    return {}


@pytest.fixture(autouse=True)
def shared_maker(
    makers: dict[tuple[str, ...], EnvironmentMaker],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare = environment.prepare_environments

    def share(run: Run) -> EnvironmentMaker:
        wanted = wheelhouse.list_requirements(run.start())
        if wanted not in makers:
            own = replace(run, scratch=tmp_path_factory.mktemp("environments"))
            makers[wanted] = prepare(own)
        return makers[wanted]

    monkeypatch.setattr(environment, "prepare_environments", share)


def read(path: Path, kind: Any) -> Any:
    return msgspec.convert(yaml_source.load_yaml(path.read_text("utf-8")).data, kind)


def make_work(folder: Path, *overlays: Path) -> Path:
    for overlay in (EXAMPLES / "project", *overlays):
        shutil.copytree(overlay, folder, dirs_exist_ok=True)
    return folder


def make_run(work: Path, folder: Path, checks: list[PythonTests], **more: Any) -> Run:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    take_snapshot(work, folder / "snapshot")
    reference = make_work(folder / "reference", EXAMPLES / "reference")
    specs = tuple(CheckSpec(str(at), "python.tests", one, 60) for at, one in enumerate(checks))
    return Run(
        id="test",
        snapshot=folder / "snapshot",
        scratch=scratch,
        sandbox=OwnWork(scratch),
        lab_root=folder,
        variables={},
        faults={fault.id: fault for fault in read(EXAMPLES / "faults.yaml", tuple[Fault, ...])},
        start=lambda: EXAMPLES / "project",
        checks=specs,
        **{"reference": lambda: reference, **more},
    )


def check(run: Run) -> list[Verdict]:
    try:
        return [judge(spec, Context(run, spec.id, spec.timeout)) for spec in run.checks]
    finally:
        run.shared.close()


@pytest.mark.parametrize("name", NAMES)
def test_each_suite_is_told_for_what_it_is(name: str, tmp_path: Path) -> None:
    expected: list[Expected] = read(EXAMPLES / name / "expected.yaml", list[Expected])
    work = make_work(tmp_path / "work", EXAMPLES / name / "work")
    kinds = [msgspec.convert({"faults": FAULTS, **one.parameters}, PythonTests) for one in expected]
    for one, verdict in zip(expected, check(make_run(work, tmp_path / "run", kinds)), strict=True):
        assert verdict.outcome is one.outcome, verdict
        assert one.message in verdict.message
        assert sorted(finding.rule or "" for finding in verdict.findings) == sorted(one.rules)
        assert str(tmp_path) not in verdict.message


def test_a_suite_runs_once_for_all_checks(tmp_path: Path) -> None:
    work = make_work(tmp_path / "work", EXAMPLES / "misses-one" / "work")
    run = make_run(
        work, tmp_path / "run", [PythonTests(faults=(one,)) for one in (*FAULTS, FAULTS[0])]
    )
    played: list[Copy] = []
    play = suite._Player.play

    def note(player: Any, copy: Copy) -> Any:
        played.append(copy)
        return play(player, copy)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite._Player, "play", note)
        said = check(run)
    assert [one.outcome.value for one in said] == ["pass", "fail", "pass", "pass"]
    assert len(played) == len(set(played))
    assert {one.sort for one in played} == {"healthy", "failing", "rewritten", "faulty"}
    # Those that were noticed are run once more.
    assert sum(one.sort == "faulty" for one in played) == 2 * len(FAULTS) - 1


@pytest.mark.parametrize(
    ("asked", "played", "words"),
    [
        (Copy("faulty", FAULTS[1], again=True), Copy("healthy"), "red, and green"),
        (Copy("rewritten", "0", again=True), Copy("faulty", FAULTS[0]), "green, and red"),
        (Copy("rewritten", "1"), Copy("faulty", FAULTS[0]), "red, and green"),
    ],
)
def test_what_goes_otherwise_the_next_time_is_by_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Copy, played: Copy, words: str
) -> None:
    play = suite._Player.play

    def vary(player: Any, copy: Copy) -> Any:
        return replace(play(player, played), copy=copy) if copy == asked else play(player, copy)

    monkeypatch.setattr(suite._Player, "play", vary)
    work = make_work(tmp_path / "work", EXAMPLES / "right" / "work")
    (verdict,) = check(make_run(work, tmp_path / "run", [PythonTests(faults=FAULTS)]))
    assert verdict.outcome is Outcome.FAIL, verdict
    assert verdict.message == f"the tests are {words} the next time, on the same code"
    assert [finding.rule for finding in verdict.findings] == ["by-chance"]


@pytest.mark.parametrize("is_slow_everywhere", [True, False])
def test_whose_trouble_a_slow_suite_is(tmp_path: Path, is_slow_everywhere: bool) -> None:
    """The lab's own tests decide, run in the same way."""
    work = make_work(tmp_path / "work", EXAMPLES / "never-ends" / "work")
    reference = make_work(
        tmp_path / "own", EXAMPLES / ("never-ends/work" if is_slow_everywhere else "reference")
    )
    kind = PythonTests(faults=FAULTS, within=8)
    run = make_run(work, tmp_path / "run", [kind], reference=lambda: reference)
    (verdict,) = check(run)
    assert verdict.outcome is (Outcome.UNAVAILABLE if is_slow_everywhere else Outcome.FAIL)


def test_a_fault_with_which_even_the_labs_own_tests_hang_is_the_labs(tmp_path: Path) -> None:
    work = make_work(tmp_path / "work", EXAMPLES / "right" / "work")
    kind = PythonTests(faults=("hangs",), within=8, canaries=0)
    (verdict,) = check(make_run(work, tmp_path / "run", [kind]))
    assert verdict.outcome is Outcome.ERROR
    assert verdict.message == (
        "the fault 'hangs' is noticed by no test of the lab's own answer:"
        " with it the tests do not come to an end in time"
    )


def test_wheels_that_cannot_be_had_are_nobodys_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UnavailableError("no network")

    work = make_work(tmp_path / "work", EXAMPLES / "right" / "work")
    (work / "requirements-more.txt").write_text("hypothesis==6.0.0  # for later\n")
    monkeypatch.setattr(wheelhouse, "add_wheels", refuse)
    (verdict,) = check(make_run(work, tmp_path / "run", [PythonTests(faults=FAULTS)]))
    # The machine has what the lab needs: what the work wants beyond stays in the denominator.
    assert (verdict.outcome, verdict.cause) == (Outcome.UNAVAILABLE, Cause.WORK)
    monkeypatch.setattr(environment, "prepare_environments", refuse)
    (verdict,) = check(make_run(work, tmp_path / "run2", [PythonTests(faults=FAULTS)]))
    assert (verdict.outcome, verdict.cause) == (Outcome.UNAVAILABLE, Cause.MACHINE)


@pytest.mark.parametrize("tests", ["/etc", "../tests", "", ("tests", "a/../../b"), ()])
def test_tests_that_lie_nowhere_in_the_work_are_refused(tests: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match="is no path of tests in the work"):
        msgspec.convert({"faults": ["f"], "tests": tests}, PythonTests)


def test_requirements_are_read_as_pip_has_them() -> None:
    text = (
        "pytest==9.2.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "# no\nflask>=3 # yes\n-r other.txt\n-e .\nhttps://x/y.whl\n./z\na @ file:///z\n"
        "b; python_version > '3'\n"
    )
    assert wheelhouse.parse_requirements(text) == (
        "pytest==9.2.0", "flask>=3", "b; python_version > '3'"
    )  # fmt: skip


LAB = EXAMPLES.parent / "write-tests" / "labs" / "write-tests"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    shutil.copytree(LAB.parent.parent, tmp_path / "pack")
    return tmp_path / "pack" / "labs" / "write-tests"


@pytest.mark.slow
def test_a_lab_about_tests_is_yaml_alone_and_proves(
    devlab: Devlab, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not list(lab.glob("tests"))
    assert len((lab / "lab.yaml").read_text().splitlines()) <= 60
    said = devlab("lab", "prove", str(lab), "--format", "json")
    (proof,) = json.loads(said.out)["labs"]
    fates = {one["case"]["name"]: one["fate"] for one in proof["results"]}
    assert set(fates.values()) == {"holds"}, fates
    assert len(fates) == 13


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("write: {shop/rates.json: '{}'}", "changes shop/rates.json, which is no Python"),
        ("write: {shop/rates.py: 'A = 1'}", "adds or removes shop/rates.py"),
        ("delete: [shop/__init__.py]", "adds or removes shop/__init__.py"),
    ],
)
def test_a_fault_that_tests_could_know_without_a_call_is_named(
    lab: Path, change: str, words: str
) -> None:
    file = lab / "faults.yaml"
    text = file.read_text()
    first, rest = text.split("    replace:\n", 1)
    file.write_text(f"{first}    {change}\n    replace:\n{rest}")
    assert [one for one in lint_lab(lab) if words in one.message]


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        ("labs/write-tests/faults.yaml", "total > FREE_FROM", "total >", "a syntax error: invalid"),
        (
            "templates/shop/{{cookiecutter.service_name}}/shop/prices.py",
            "total += price * number",
            "total = total + price * number",
            "does not apply to the start",
        ),
        (
            "templates/shop/{{cookiecutter.service_name}}/requirements.txt",
            "pytest==",
            "pytest-cov==",
            "no requirement of the start is pytest",
        ),
    ],
)
def test_what_cannot_be_planted_in_the_start_is_named(
    lab: Path, path: str, old: str, new: str, words: str
) -> None:
    file = lab.parent.parent / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert [one for one in lint_lab(lab) if words in one.message]
