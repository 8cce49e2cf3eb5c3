"""Each folder in examples/pipelines is a pipeline in two languages, and what is to be said of it.

The kinds `pipeline.*` say the same of both: of the one that act runs, and of the one of a CI system
that is made for this test alone.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scaffolder.checks import families
from scaffolder.checks.context import Context, Run
from scaffolder.checks.registry import KINDS
from scaffolder.core import yaml_source
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Fault, Outcome
from scaffolder.sandbox import OwnWork
from tests.support import shell_runner

EXAMPLES = Path(__file__).parent / "examples" / "pipelines"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/expected.yaml"))

pytestmark = pytest.mark.usefixtures("shared_stage")

PLACES = {"github": ".github/workflows/ci.yml", "shell": "pipeline.yml"}


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    """What a kind must say: its outcome, and words of its message."""

    kind: str
    outcome: Outcome
    message: str
    parameters: dict[str, Any] = msgspec.field(name="with", default_factory=dict)


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "FAMILIES", (*families.FAMILIES, shell_runner.FAMILY))


def read(path: Path, kind: Any) -> Any:
    return msgspec.convert(yaml_source.load_yaml(path.read_text("utf-8")).data, kind)


@pytest.mark.parametrize("language", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_each_ci_system_is_judged_alike(name: str, language: str, tmp_path: Path) -> None:
    expected = read(EXAMPLES / name / "expected.yaml", list[Expected])
    place = PLACES[language]
    specs = [
        CheckSpec(str(number), one.kind, KINDS[one.kind](workflow=place, **one.parameters), 60)
        for number, one in enumerate(expected)
    ]
    run = make_run(EXAMPLES / name / f"{language}.yml", place, specs, tmp_path)

    said = [judge(spec, Context(run, spec.id, spec.timeout)) for spec in specs]

    for one, verdict in zip(expected, said, strict=True):
        if language == "shell" and verdict.outcome is Outcome.UNAVAILABLE:
            pytest.skip(verdict.message)
        assert verdict.outcome is one.outcome, verdict
        assert one.message in verdict.message


def test_a_kind_is_loaded_without_any_ci_system() -> None:
    program = (
        "import sys; from scaffolder.checks.registry import KINDS; "
        "[KINDS[name]() for name in ('pipeline.passes', 'pipeline.delivers')]; "
        "print([name for name in sys.modules if name.startswith('scaffolder.checks.github.')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    # What a family says of itself, and nothing that it runs.
    loaded = {"scaffolder.checks.github.family", "scaffolder.checks.github.tools"}
    assert set(ast.literal_eval(done.stdout)) == loaded


def test_a_file_that_no_ci_system_runs_is_refused_where_the_lab_is_read() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"ci\.yml .*known are \.github/workflows/\*"):
        msgspec.convert({"workflow": "ci.yml"}, KINDS["pipeline.passes"])


@pytest.mark.parametrize("place", PLACES.values())
def test_a_pipeline_that_an_event_does_not_start_fails(place: str, tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.yml"
    pipeline.write_text("name: CI\non: [pull_request]\njobs: {}\n")
    spec = CheckSpec("push", "pipeline.passes", KINDS["pipeline.passes"](workflow=place), 60)
    run = make_run(pipeline, place, [spec], tmp_path)

    verdict = judge(spec, Context(run, spec.id, spec.timeout))

    assert verdict.message == f"{place} would not start: on does not name push"
    assert [(one.path, one.line) for one in verdict.findings] == [(place, 2)]


def make_run(pipeline: Path, place: str, specs: list[CheckSpec], folder: Path) -> Run:
    snapshot = folder / "snapshot"
    shutil.copytree(EXAMPLES / "project", snapshot)
    (snapshot / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(pipeline, snapshot / place)
    (folder / "scratch").mkdir()
    return Run(
        id="test",
        snapshot=snapshot,
        scratch=folder / "scratch",
        sandbox=OwnWork(folder / "scratch"),
        lab_root=folder,
        variables={},
        faults={fault.id: fault for fault in read(EXAMPLES / "faults.yaml", tuple[Fault, ...])},
        start=lambda: EXAMPLES / "project",
        reference=lambda: snapshot,
        checks=tuple(specs),
    )
