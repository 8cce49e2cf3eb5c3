"""Each folder in examples/suites is a suite of tests of one project, and what is to be said of it.

`work` lies over the project; the suites that are right differ, and the others look right or try to
be taken for that. `reference` is the lab's own answer.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.python import environment
from scaffolder.checks.python.environment import EnvironmentMaker
from scaffolder.checks.python.kind import PythonTests
from scaffolder.core import yaml_source
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Fault, Outcome, Verdict
from scaffolder.sandbox import OwnWork
from scaffolder.tools import wheelhouse
from scaffolder.workspace import take_snapshot

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
