"""The report as SARIF 2.1.0, as GitHub's code scanning takes it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning

A result is something that is wrong in the learner's work. What devlab could not grade is none: it
is a notification of the invocation.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any
from urllib.parse import quote

import msgspec

from scaffolder import __version__
from scaffolder.core.text import encode_web_address, sanitize_block, sanitize_line
from scaffolder.model import CheckResult, Finding, Outcome, Report, TaskResult
from scaffolder.report.details import (
    NOT_SHOWN,
    describe_finding,
    format_explanation,
    split_findings,
)
from scaffolder.report.repository import find_repository_path

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "https://github.com/devlab-project/devlab"
# GitHub wants a file for each result. What is wrong with no file in particular, such as a container
# that does not stop, is told of the file that makes the folder a lab: no line of work is blamed.
NOWHERE = ".devlab/manifest.json"

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_NOTIFIED = {Outcome.UNAVAILABLE: "warning", Outcome.ERROR: "error"}


def render(report: Report) -> str:
    """Return the report as indented JSON that ends in a newline."""
    encoded = msgspec.json.encode(make_document(report))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def make_document(report: Report) -> dict[str, Any]:
    """Return the report as the data of a SARIF log with one run."""
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(report).data()]}


class _Run:
    """Collects results, the rules that they break and what there is to say of the run itself."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rules: dict[str, dict[str, Any]] = {}
        self._results: list[dict[str, Any]] = []
        self._notifications: list[dict[str, Any]] = []
        self._seen: Counter[str] = Counter()
        for task in report.tasks:
            for check in task.checks:
                self._take(task, check)

    def data(self) -> dict[str, Any]:
        crashed = any(task.outcome is Outcome.ERROR for task in self._report.tasks)
        driver = {
            "name": "devlab",
            "semanticVersion": __version__,
            "informationUri": HOME,
            "rules": list(self._rules.values()),
        }
        invocation = {
            "executionSuccessful": not crashed,
            "toolExecutionNotifications": self._notifications,
        }
        return {
            "tool": {"driver": driver},
            "automationDetails": {"id": f"devlab/{self._report.lab_id}/"},
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": self._results,
            "properties": msgspec.to_builtins(self._report.score),
        }

    def _take(self, task: TaskResult, check: CheckResult) -> None:
        outcome = check.verdict.outcome
        if outcome in _NOTIFIED:
            rule = self._rule(task, check)
            self._notifications.append(
                {
                    "level": _NOTIFIED[outcome],
                    "message": _message(_explained(check)),
                    "associatedRule": {"id": rule["id"], "index": self._index(rule)},
                }
            )
        elif outcome is Outcome.FAIL:
            for finding in split_findings(check)[0] or [None]:
                self._results.append(self._result(task, check, finding))

    def _result(
        self, task: TaskResult, check: CheckResult, finding: Finding | None
    ) -> dict[str, Any]:
        rule = self._rule(task, check, finding)
        line = finding.line if finding and finding.line and finding.line > 0 else None
        path = finding.path if finding and finding.path else NOWHERE
        # A finding without a file is part of what the check says.
        told = ((finding,) if finding else ()) + split_findings(check)[1]
        return {
            "ruleId": rule["id"],
            "ruleIndex": self._index(rule),
            "level": _LEVELS[finding.level] if finding else "error",
            "message": _message(format_explanation(check, told)),
            "locations": [{"physicalLocation": self._place(path, line)}],
            "partialFingerprints": self._fingerprints(rule["id"], path, line, finding),
            "properties": {"task": task.id, "check": check.id, "points": task.points},
        }

    def _place(self, path: str, line: int | None) -> dict[str, Any]:
        uri = _uri(find_repository_path(self._report.workspace, path))
        place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
        if line is not None:
            place["region"] = {"startLine": line}
        return place

    def _fingerprints(
        self, rule: str, path: str, line: int | None, finding: Finding | None
    ) -> dict[str, str]:
        """Return what stays the same when a result moves, numbered where there are several.

        Where there is a line GitHub's own action adds a hash of the code around it; without one
        ours is all there is.
        """
        words = describe_finding(finding) if finding else ""
        same = "\0".join((self._report.lab_id, rule, path, words))
        self._seen[same] += 1
        digest = hashlib.sha256(f"{same}\0{self._seen[same]}".encode("utf-8", "backslashreplace"))
        own = {"devlabFinding/v1": digest.hexdigest()}
        return own if line is not None else {**own, "primaryLocationLineHash": digest.hexdigest()}

    def _rule(
        self, task: TaskResult, check: CheckResult, finding: Finding | None = None
    ) -> dict[str, Any]:
        """Return the rule that is broken: a linter's where it names one, else the check itself."""
        if finding and finding.rule:
            page = encode_web_address(finding.url or "") or _reference(check)
            made = _descriptor(finding.rule, finding.message, page)
        else:
            made = _descriptor(f"{task.id}/{check.id}", task.title, _reference(check))
        return self._rules.setdefault(made["id"], made)

    def _index(self, rule: dict[str, Any]) -> int:
        return list(self._rules).index(rule["id"])


def _explained(check: CheckResult) -> str:
    lines = [format_explanation(check), *([NOT_SHOWN] if check.verdict.not_shown else [])]
    return "\n".join(lines)


def _descriptor(name: str, title: str, page: str) -> dict[str, Any]:
    words = sanitize_line(title) or sanitize_line(name)
    return {
        "id": sanitize_line(name),
        "shortDescription": {"text": words},
        "help": {"text": f"{words}: {page}"},
        "helpUri": page,
    }


def _reference(check: CheckResult) -> str:
    """Return the address of a check kind's section in docs/kinds.md."""
    return f"{HOME}/blob/main/docs/kinds.md#{quote(check.kind.replace('.', ''))}"


def _message(text: str) -> dict[str, str]:
    # A viewer makes links of [text](target); ours come from rules alone.
    return {"text": sanitize_block(text).replace("](", "] (") or "no reason was given"}


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "backslashreplace"), safe="/")
