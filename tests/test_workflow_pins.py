"""What commits are, as far as it can be told without asking GitHub."""

from __future__ import annotations

import pytest

from scaffolder.checks.github import workflow_pins
from scaffolder.checks.github.workflow_model import parse_workflow
from scaffolder.checks.github.workflow_pins import judge_pins

CHECKOUT = {
    "v4.2.1": "eef61447b9ff4aafe5dcd4e0bbf5d482be7e7871",
    "v4.2.2": "11bd71901bbe5b1630ceea73d27597364c9af683",
}
MADE_UP = "0123456789abcdef0123456789abcdef01234567"


def judged(uses: str) -> tuple[list[str], list[str]]:
    text = f"jobs:\n  a:\n    steps:\n      - name: x\n        uses: {uses}\n"
    workflow = parse_workflow(text, "ci.yml")
    pins = judge_pins((step, text) for step in workflow.jobs["a"].steps)
    assert all(finding.line == 4 for finding in pins.faults)
    return [finding.message for finding in pins.faults], list(pins.remarks)


@pytest.mark.parametrize(
    "comment", ["", " # v4.2.2", " # v4", " # pin@v4.2", " # 4.2.2 (2024)", "#v9"]
)
def test_a_release_with_its_comment_needs_no_words(comment: str) -> None:
    assert judged(f"actions/checkout@{CHECKOUT['v4.2.2']}{comment}") == ([], [])


@pytest.mark.parametrize(
    "uses",
    [
        f"Actions/Checkout@{MADE_UP} # v4.2.2",
        f"'actions/checkout@{MADE_UP}' # v4.2.2",
        f"actions/setup-python@{CHECKOUT['v4.2.2']} # v5.6.0",
        f"actions/cache/restore@{CHECKOUT['v4.2.2']}",
    ],
)
def test_what_cannot_be_that_action_is_a_fault(uses: str) -> None:
    faults, remarks = judged(uses)
    assert len(faults) == 1
    assert not remarks


@pytest.mark.parametrize(
    ("uses", "words"),
    [
        (f"actions/checkout@{MADE_UP} # v4", "only the shape"),
        (f"actions/checkout@{MADE_UP} # v99.0.0", "no release that is known here"),
        (f"somebody/something@{MADE_UP} # v1.0.0", "its releases are not known here"),
        (f"actions/checkout@{CHECKOUT['v4.2.1']} # v4.2.2", "is v4.2.1, its comment says v4.2.2"),
    ],
)
def test_what_was_not_judged_is_said(uses: str, words: str) -> None:
    faults, (remark,) = judged(uses)
    assert not faults
    assert words in remark


@pytest.mark.parametrize("uses", ["actions/checkout@v4", "./here", "docker://x", "a/b@abc123"])
def test_other_references_are_not_its_matter(uses: str) -> None:
    assert judged(uses) == ([], [])


def test_every_row_of_the_releases_is_one() -> None:
    rows = list(workflow_pins._rows())
    assert len({commit for _, _, commit in rows}) == len(rows) > 600
    assert rows == sorted(rows, key=lambda row: row[0])
