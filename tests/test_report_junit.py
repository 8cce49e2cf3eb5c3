"""The JUnit report of words that mean harm: still XML, still one case for each check."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from scaffolder.model import CheckResult, Evidence, Finding, Outcome, Report, TaskResult, Verdict
from scaffolder.report import junit


@pytest.mark.parametrize("word", ["\ufffe", "\uffff", "\x00", "\x1b[2J", "\udc80", "]]>", "</x>"])
def test_no_word_breaks_the_document(word: str) -> None:
    finding = Finding(word, path=word, rule=word)
    verdict = Verdict(Outcome.FAIL, word, (finding,), Evidence(word, word, word, (word,)), word)
    task = TaskResult("t", word, 3, Outcome.FAIL, (CheckResult("c", "pytest", verdict, 1.0),))
    withheld = TaskResult("u", word, 3, Outcome.BLOCKED, (), word)
    report = Report("lab", "1", word, word, (task, withheld), 1.0, (word,))
    root = ET.fromstring(junit.render(report).encode())
    assert [case.get("name") for case in root.iter("testcase")] == ["c", "u"]
