"""What the jobs of a workflow may write, in every way of saying so."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffolder.checks.github import workflow_model
from scaffolder.checks.github.workflow_permissions import find_too_wide

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
    findings = find_too_wide(tmp_path, workflow_model.load_workflow(tmp_path, CI), allowed)
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
def test_without_a_list_write_all_and_what_is_not_used_count(
    tmp_path: Path, everywhere: str, lines: list[tuple[str, int]]
) -> None:
    assert found(tmp_path, everywhere, "{contents: write}", "{}", None) == [*lines, (CI, 6)]


HARMLESS_CHECKOUT = "{uses: actions/checkout@v4, with: {persist-credentials: false}}"


@pytest.mark.parametrize(
    ("scope", "steps", "used"),
    [
        ("contents", f"[{HARMLESS_CHECKOUT}, {{run: pytest}}]", False),
        ("contents", f"[{HARMLESS_CHECKOUT}, {{run: git push}}]", False),
        ("contents", "[{uses: actions/checkout@v4}, {run: git push}]", True),
        ("contents", "[{uses: actions/checkout@v4}, {run: make release}]", True),
        ("contents", "[{uses: actions/checkout@v4}, {run: python -m build}]", False),
        ("contents", "[{uses: somebody/release@v1}]", True),
        ("contents", "[{uses: actions/upload-artifact@v4, with: {path: dist}}]", False),
        ("contents", "[{run: gh release create v1, env: {GH_TOKEN: '${{ github.token }}'}}]", True),
        ("contents", "[{run: 'curl -H ${{ secrets.GITHUB_TOKEN }} x'}]", True),
        ("contents", "[{run: upload, env: {TOKEN: '${{ secrets.PYPI }}'}}]", False),
        ("packages", "[{uses: actions/checkout@v4}, {run: make}]", False),
        ("packages", "[{uses: docker/login-action@v3}]", True),
        ("id-token", "[{run: pytest}]", False),
        ("id-token", "[{run: ./sign}]", True),
        ("contents", "[{uses: ./.github/actions/mine}]", True),
        ("packages", "[{uses: ./.github/actions/mine}]", False),
    ],
)
def test_a_right_that_nothing_in_a_job_uses_is_too_much(
    tmp_path: Path, scope: str, steps: str, used: bool
) -> None:
    mine = tmp_path / ".github/actions/mine/action.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text(
        "runs: {using: composite, steps: [{uses: actions/checkout@v4}, {run: git push}]}"
    )
    ci = tmp_path / CI
    ci.parent.mkdir(parents=True)
    ci.write_text(
        f"on: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: x\n"
        f"    permissions: {{{scope}: write}}\n    steps: {steps}\n"
    )
    findings = find_too_wide(tmp_path, workflow_model.load_workflow(tmp_path, CI), None)
    assert [finding.line for finding in findings] == ([] if used else [6])
