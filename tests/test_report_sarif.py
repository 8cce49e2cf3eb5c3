"""SARIF, held against the official schema and against what GitHub's code scanning asks for."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator

from scaffolder.model import Finding, Outcome, Report, Verdict, failed, passed, unavailable
from scaffolder.report import sarif
from tests.support import reports
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.labs import task as task_yaml

SCHEMA = Path(__file__).parent / "schemas" / "sarif-2.1.0.json"


@functools.cache
def schema() -> Draft202012Validator:
    return Draft202012Validator(
        json.loads(SCHEMA.read_text("utf-8")),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def run_of(report: Report) -> dict[str, Any]:
    data = json.loads(sarif.render(report))
    schema().validate(data)
    (run,) = data["runs"]
    assert isinstance(run, dict)
    return run


def test_the_schema_would_notice() -> None:
    data = json.loads(sarif.render(reports.report(reports.task("a", failed("bad")))))
    data["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"] = {"startLine": 0}
    assert not schema().is_valid(data)


@reports.any_report
def test_any_report_is_sarif_that_github_takes(report: Report) -> None:
    run = run_of(report)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(urlsplit(rule["helpUri"]).scheme in ("http", "https") for rule in rules)
    prints = [json.dumps(result["partialFingerprints"]) for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        address = urlsplit(location["physicalLocation"]["artifactLocation"]["uri"])
        assert address.path
        assert (address.scheme, address.netloc, address.query, address.fragment) == ("",) * 4


@reports.any_report
def test_failed_checks_are_results_and_ungraded_ones_notifications(report: Report) -> None:
    run = run_of(report)
    checks = [(task.id, check) for task in report.tasks for check in task.checks]

    def having(*outcomes: Outcome) -> list[Any]:
        return [check for _, check in checks if check.verdict.outcome in outcomes]

    told = {(each["properties"]["task"], each["properties"]["check"]) for each in run["results"]}
    wanted = {(name, c.id) for name, c in checks if c.verdict.outcome is Outcome.FAIL}
    assert told == wanted
    (invocation,) = run["invocations"]
    notified = invocation["toolExecutionNotifications"]
    assert len(notified) == len(having(Outcome.UNAVAILABLE, Outcome.ERROR))


def result_of(verdict: Verdict) -> dict[str, Any]:
    (result,) = run_of(reports.report(reports.task("a", verdict)))["results"]
    return dict(result)


def test_a_place_is_told_as_far_as_it_is_known() -> None:
    placed = result_of(failed("bad", Finding("x", path="a b/ö#?.py", line=3)))
    physical = placed["locations"][0]["physicalLocation"]
    assert unquote(physical["artifactLocation"]["uri"]) == "a b/ö#?.py"
    assert physical["region"] == {"startLine": 3}
    whole = result_of(failed("bad", Finding("x", path="app.py")))
    assert whole["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "app.py"}}
    nowhere = result_of(failed("does not stop"))
    physical = nowhere["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": ".devlab/manifest.json"}}


def test_a_fingerprint_outlives_a_move_of_the_line_but_not_another_finding() -> None:
    def own(message: str, line: int) -> str:
        verdict = failed("bad", Finding(message, path="f", line=line))
        return str(result_of(verdict)["partialFingerprints"]["devlabFinding/v1"])

    assert own("x", 3) == own("x", 9)
    assert own("x", 3) != own("y", 3)


def test_a_linters_rule_is_a_rule_with_its_page() -> None:
    verdict = failed("bad", Finding("x", path="f", rule="DL1", url="https://r.example/DL1"))
    run = run_of(reports.report(reports.task("a", verdict, failed("worse"))))
    linters, own = run["tool"]["driver"]["rules"]
    assert (linters["id"], linters["helpUri"]) == ("DL1", "https://r.example/DL1")
    assert own["id"] == "a/a-2"
    assert own["helpUri"].endswith("/docs/kinds.md#pytest")


@pytest.mark.parametrize(
    ("verdict", "level", "successful"),
    [
        (unavailable("no engine", "install it"), "warning", True),
        (Verdict(Outcome.ERROR, "crashed"), "error", False),
    ],
)
def test_what_could_not_be_graded_is_told_of_the_run(
    verdict: Verdict, level: str, successful: bool
) -> None:
    run = run_of(reports.report(reports.task("a", verdict)))
    assert run["results"] == []
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["level"] == level
    assert invocation["executionSuccessful"] is successful


def test_what_passed_is_no_result() -> None:
    assert run_of(reports.report(reports.task("a", passed("fine"))))["results"] == []


def test_the_command_writes_a_file(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task_yaml("a", "fail") + task_yaml("b", "crash"))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    target = tmp_path / "devlab.sarif"
    assert devlab("check", tmp_path / "w", "--format", "sarif", "--output", target).code == 1
    data = json.loads(target.read_text("utf-8"))
    schema().validate(data)
    (run,) = data["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["R1"]
    levels = [each["level"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert levels == ["error"]
