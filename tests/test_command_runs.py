"""The kind `command.runs`, by examples as folders: what each check comes to, and in which words.

An example has `work/`, what it hands out in `fixtures/`, and checks with what they come to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scaffolder import sandbox
from scaffolder.checks.context import Context
from scaffolder.checks.registry import KINDS
from scaffolder.core import yaml_source
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Fault, Outcome, Verdict
from tests.support.checking import context_of

EXAMPLES = Path(__file__).parent / "examples" / "commands"
_ASKED = ("expect", "message", "hint", "log", "walled")


def examples() -> Iterator[Any]:
    for file in sorted(EXAMPLES.glob("*/checks.yaml")):
        for number, one in enumerate(yaml_source.load_yaml(file.read_text()).data, start=1):
            yield pytest.param(file.parent, one, id=f"{file.parent.name}-{number}")


def grade(folder: Path, check: dict[str, Any], scratch: Path, work: Path | None = None) -> Verdict:
    kind = msgspec.convert(check, KINDS["command.runs"])
    context = context_of(work or folder / "work", scratch)
    faults = {one.id: one for one in read_faults(folder)}
    run = dataclasses.replace(context.run, lab_root=folder, faults=faults)
    return judge(CheckSpec("c", "command.runs", kind, 60), Context(run, "c", 60))


def read_faults(folder: Path) -> tuple[Fault, ...]:
    file = folder / "faults.yaml"
    told = yaml_source.load_yaml(file.read_text()).data if file.exists() else []
    return msgspec.convert(told, tuple[Fault, ...])


@pytest.mark.parametrize(("folder", "example"), list(examples()))
def test_an_example_comes_to_what_it_says(
    folder: Path, example: dict[str, Any], tmp_path: Path
) -> None:
    if example.get("walled") and not sandbox.is_isolated():
        pytest.skip("only bubblewrap finds that out")
    check = {key: value for key, value in example.items() if key not in _ASKED}
    verdict = grade(folder, check, tmp_path / "run")
    expected = example["expect"]
    if isinstance(expected, list):
        assert verdict.outcome is Outcome.FAIL, verdict
        assert [one.rule for one in verdict.findings] == expected, verdict
    else:
        assert verdict.outcome == expected, verdict
    assert example.get("message", "") in verdict.message
    assert example.get("hint", "") in verdict.hint
    if lines := example.get("log"):
        assert verdict.evidence is not None
        assert set(lines) <= set(verdict.evidence.log)
    # What a learner reads names nothing of where it ran.
    assert str(tmp_path) not in msgspec.json.encode(verdict).decode()


@pytest.mark.parametrize("folder", sorted(EXAMPLES.iterdir()), ids=lambda one: one.name)
def test_the_work_itself_is_left_alone(folder: Path, tmp_path: Path) -> None:
    context = context_of(folder / "work", tmp_path / "run")
    before = sorted(path.name for path in context.run.snapshot.rglob("*"))
    check = msgspec.convert({"run": ["sh", "-c", "rm -rf * && touch new"]}, KINDS["command.runs"])
    assert check.run(context).outcome is Outcome.PASS
    assert sorted(path.name for path in context.run.snapshot.rglob("*")) == before
