"""Images that are run as jobs, by examples as folders: what each check comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.docker import container_stop
from scaffolder.checks.registry import KINDS
from scaffolder.core import yaml_source
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Outcome
from scaffolder.tools import engine
from tests.support.checking import context_of

EXAMPLES = Path(__file__).parent / "examples" / "containers"
_ASKED = ("expect", "message", "kind")


@pytest.fixture(scope="module", params=sorted(EXAMPLES.iterdir()), ids=lambda one: one.name)
def example(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """One run for all checks of a folder: they share the images."""
    folder: Path = request.param
    context = context_of(folder / "work", tmp_path_factory.mktemp("runs") / "run")
    run = dataclasses.replace(
        context.run,
        id="test-container-runs",
        lab_root=folder,
        reference=lambda: folder / "reference",
    )
    yield run
    run.shared.close()
    assert not engine.remove_run(run.id), "something of the run was left in the engine"


@pytest.mark.engine
def test_each_check_comes_to_what_it_says(
    example: Run, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    checks = yaml_source.load_yaml((example.lab_root / "checks.yaml").read_text()).data
    # Each round waits for two containers; which of them counts is tested elsewhere.
    monkeypatch.setattr(container_stop, "_LATE_ENOUGH", 1)
    for number, one in enumerate(checks, start=1):
        with subtests.test(f"{number}: {one['kind']}"):
            check = {key: value for key, value in one.items() if key not in _ASKED}
            kind = msgspec.convert(check, KINDS[one["kind"]])
            verdict = judge(
                CheckSpec("c", one["kind"], kind, 120), Context(example, f"c{number}", 120)
            )
            if isinstance(one["expect"], list):
                assert verdict.outcome is Outcome.FAIL, verdict
                assert [found.rule for found in verdict.findings] == one["expect"], verdict
            else:
                assert verdict.outcome == one["expect"], verdict
            assert one.get("message", "") in verdict.message
