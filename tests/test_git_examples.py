"""Each folder in examples/git is what a learner did in a repository, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from scaffolder.checks.registry import KINDS
from scaffolder.core import yaml_source
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs import variation
from scaffolder.model import CheckSpec, Outcome
from tests.support.labs import Catalog
from tests.support.repositories import EXAMPLES, begin, do, judge_work, write_lab

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/expected.yaml"))

pytestmark = pytest.mark.git


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    """What a kind must say: its outcome, and words of its message."""

    kind: str
    outcome: Outcome
    message: str
    parameters: dict[str, Any] = msgspec.field(name="with", default_factory=dict)
    rules: list[str] | None = None


class Example(msgspec.Struct, forbid_unknown_fields=True):
    """What a learner did, in shell commands, and what is said of it."""

    did: str
    said: list[Expected]
    learner: str = ""


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_judged_as_it_should_be(
    name: str, catalog: Catalog, tmp_path: Path
) -> None:
    text = (EXAMPLES / name / "expected.yaml").read_text("utf-8")
    example = msgspec.convert(yaml_source.load_yaml(text).data, Example)
    write_lab(catalog)
    place = begin(tmp_path / "work", example.learner)
    lab = real_catalog.load_lab("tested", graded=False, learner=example.learner)
    do(place, example.did, token=lab.values["token"])
    specs = [
        CheckSpec(
            str(number),
            one.kind,
            msgspec.convert(
                variation.fill(one.parameters, lab.values, lab.variation), KINDS[one.kind]
            ),
            30,
        )
        for number, one in enumerate(example.said)
    ]

    for one, verdict in zip(example.said, judge_work(place, specs, tmp_path / "run"), strict=True):
        assert verdict.outcome is one.outcome, verdict
        assert one.message in verdict.message
        if one.rules is not None:
            assert [finding.rule for finding in verdict.findings] == one.rules
