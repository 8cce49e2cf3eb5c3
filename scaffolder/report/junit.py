"""The report as JUnit XML: a suite for each task, a test case for each check."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from scaffolder.core.text import sanitize_line
from scaffolder.model import CheckResult, Outcome, Report, TaskResult
from scaffolder.report.details import format_details

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
    ET.SubElement(case, "skipped", message=sanitize_line(task.reason))
    return case


def _case(task: TaskResult, check: CheckResult) -> ET.Element:
    case = ET.Element("testcase", classname=task.id, name=check.id, time=f"{check.seconds:.3f}")
    element = _ELEMENT.get(check.verdict.outcome)
    if element is not None:
        child = ET.SubElement(case, element, message=sanitize_line(check.verdict.message))
        child.text = format_details(check)
    return case
