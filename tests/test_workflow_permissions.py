"""What the jobs of a workflow may write, in every way of saying so."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffolder.checks import workflow_model
from scaffolder.checks.workflow_permissions import too_wide

CI = ".github/workflows/ci.yml"
WORKFLOW = """\
on: push
permissions: {everywhere}
jobs:
  test:
    runs-on: ubuntu-latest
    permissions: {job}
    steps: [{{run: pytest}}]
  called:
    uses: ./.github/workflows/called.yml
"""
CALLED = """\
on: workflow_call
jobs:
  inner:
    runs-on: ubuntu-latest
    permissions: {right}
    steps: [{{run: pytest}}]
"""


def found(
    tmp_path: Path, everywhere: str, job: str, called: str, allowed: tuple[str, ...] | None
) -> list[tuple[str | None, int | None]]:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text(WORKFLOW.format(everywhere=everywhere, job=job))
    (folder / "called.yml").write_text(CALLED.format(right=called))
    findings = too_wide(tmp_path, workflow_model.load(tmp_path, CI), allowed)
    assert all("write" in finding.message for finding in findings)
    return [(finding.path, finding.line) for finding in findings]


@pytest.mark.parametrize(
    ("everywhere", "job", "called", "lines"),
    [
        ("{}", "{contents: read}", "{contents: read}", []),
        ("read-all", "{contents: none, packages: read}", "{}", []),
        ("write-all", "{contents: read}", "{}", [(CI, 2)]),
        ("{issues: write}", "{}", "{}", [(CI, 2)]),
        ("{}", "{contents: write}", "{}", [(CI, 6)]),
        ("{}", "write-all", "{}", [(CI, 6)]),
        ("{}", "{contents: write, checks: write}", "{}", [(CI, 6), (CI, 6)]),
        ("{}", "{}", "{contents: write}", [(".github/workflows/called.yml", 5)]),
    ],
)
def test_every_right_to_write_is_found(
    tmp_path: Path, everywhere: str, job: str, called: str, lines: list[tuple[str, int]]
) -> None:
    assert found(tmp_path, everywhere, job, called, ()) == lines


def test_what_is_allowed_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, "{}", "{id-token: write}", "{}", ("id-token",)) == []


@pytest.mark.parametrize(("everywhere", "lines"), [("write-all", [(CI, 2)]), ("{}", [])])
def test_without_a_list_only_write_all_over_everything_counts(
    tmp_path: Path, everywhere: str, lines: list[tuple[str, int]]
) -> None:
    assert found(tmp_path, everywhere, "{contents: write}", "{}", None) == lines
