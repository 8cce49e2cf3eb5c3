"""What checks share is bounded by the longest of their timeouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaffolder import workspace
from scaffolder.checks.context import Context
from scaffolder.checks.pipeline.gates import Passes
from scaffolder.checks.pipeline.kinds import PipelineKind
from scaffolder.checks.terraform.kinds import Formatted
from scaffolder.grading import grader
from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.model import CheckSpec, Verdict, passed


def test_the_most_patient_of_those_that_share_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = catalog.load_lab("ci-pipeline")
    seen: list[Context] = []

    def judge(_: CheckSpec, context: Context) -> Verdict:
        seen.append(context)
        return passed("")

    monkeypatch.setattr(grader, "judge", judge)
    build_state(lab, "start", {}, tmp_path / "work")
    grader.grade(lab, workspace.find_workspace(tmp_path / "work"))

    context = seen[0]
    assert context.run.checks == tuple(spec for task in lab.tasks for spec in task.checks)
    specs = (CheckSpec("a", "k", Passes(), 300), CheckSpec("b", "k", Formatted(), 900))
    context = replace(context, timeout=20, run=replace(context.run, checks=specs))
    assert context.shared_timeout(lambda kind: isinstance(kind, PipelineKind)) == 300
    assert context.shared_timeout(lambda _: False) == 20
