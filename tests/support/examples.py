"""Folders of examples: some work, and what kinds say of it (`expected.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from scaffolder.checks.registry import KINDS
from scaffolder.grading import judge
from scaffolder.model import CheckSpec, Verdict
from tests.support.checking import context_of

EXAMPLES = Path(__file__).parent.parent / "examples"


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind, `with` parameters, says of the work: findings are `path:line rule`."""

    kind: str
    outcome: str
    parameters: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    message: str = ""
    findings: list[str] | None = None


def list_examples(name: str) -> list[Any]:
    """Return the cases of a folder of examples, as parameters of a test: folder, expected."""
    return list(_read_examples(name))


def _read_examples(name: str) -> Iterator[Any]:
    for path in sorted((EXAMPLES / name).glob("*/expected.yaml")):
        cases = msgspec.convert(yaml.safe_load(path.read_text()), list[Expected])
        for number, case in enumerate(cases):
            yield pytest.param(path.parent, case, id=f"{path.parent.name}-{number}")


def judge_work(work: Path, scratch: Path, kind: str, parameters: dict[str, Any]) -> Verdict:
    """Return what a kind says of some work, as grading would; the lab's files lie beside it."""
    check = msgspec.convert(parameters, KINDS[kind])
    spec = CheckSpec(id="check", kind=kind, check=check, timeout=30)
    context = context_of(work, scratch)
    return judge.judge(spec, replace(context, run=replace(context.run, lab_root=work.parent)))


def assert_holds(folder: Path, expected: Expected, scratch: Path) -> None:
    """Assert that a kind says of the work in an example's folder what is expected."""
    verdict = judge_work(folder / "work", scratch, expected.kind, expected.parameters)
    assert verdict.outcome.value == expected.outcome, verdict
    assert expected.message in verdict.message
    if expected.findings is not None:
        found = [f"{one.path}:{one.line} {one.rule}" for one in verdict.findings]
        assert sorted(found) == sorted(expected.findings), found
