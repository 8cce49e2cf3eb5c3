"""The report as JUnit XML: a suite for each task, a test case for each check."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from scaffolder.model import CheckResult, Evidence, Finding, Outcome, Report, TaskResult
from scaffolder.report.text import harmless, harmless_block

# JUnit knows three ways not to pass; ungraded and blocked tasks are neither wrong nor broken.
_ELEMENT = {
    Outcome.FAIL: "failure",
    Outcome.ERROR: "error",
    Outcome.UNAVAILABLE: "skipped",
    Outcome.BLOCKED: "skipped",
}


def render(report: Report) -> str:
    """Return the report as an XML document that ends in a newline."""
    root = ET.Element("testsuites", name=report.lab_id, time=f"{report.seconds:.3f}")
    for task in report.tasks:
        root.append(_suite(task))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(task: TaskResult) -> ET.Element:
    cases = [_case(task, check) for check in task.checks] or [_withheld(task)]
    counts = {
        name: str(sum(case.find(name) is not None for case in cases))
        for name in ("failure", "error", "skipped")
    }
    suite = ET.Element(
        "testsuite",
        name=task.id,
        tests=str(len(cases)),
        failures=counts["failure"],
        errors=counts["error"],
        skipped=counts["skipped"],
        time=f"{sum(check.seconds for check in task.checks):.3f}",
    )
    suite.extend(cases)
    return suite


def _withheld(task: TaskResult) -> ET.Element:
    case = ET.Element("testcase", classname=task.id, name=task.id)
    ET.SubElement(case, "skipped", message=harmless(task.reason))
    return case


def _case(task: TaskResult, check: CheckResult) -> ET.Element:
    case = ET.Element("testcase", classname=task.id, name=check.id, time=f"{check.seconds:.3f}")
    element = _ELEMENT.get(check.verdict.outcome)
    if element is not None:
        child = ET.SubElement(case, element, message=harmless(check.verdict.message))
        child.text = _details(check)
    return case


def _details(check: CheckResult) -> str:
    lines = [_finding(finding) for finding in check.verdict.findings]
    if check.verdict.evidence is not None:
        lines += _evidence(check.verdict.evidence)
    if check.verdict.hint:
        lines.append(f"next: {check.verdict.hint}")
    return harmless_block("\n".join(lines))


def _finding(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line or 1}: " if finding.path else ""
    rule = f" [{finding.rule}]" if finding.rule else ""
    return f"{place}{finding.message}{rule}"


def _evidence(evidence: Evidence) -> list[str]:
    named = {"ran": evidence.ran, "expected": evidence.expected, "happened": evidence.actual}
    return [f"{name}: {text}" for name, text in named.items() if text] + list(evidence.log)
