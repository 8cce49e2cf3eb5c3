"""What a Markdown parser, and GitHub after it, makes of a report."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from scaffolder.core.text import sanitize_block, sanitize_line
from scaffolder.model import Evidence, Finding, Outcome, Report, failed
from scaffolder.report import markdown
from scaffolder.report.markup import format_block, format_code, format_prose
from tests.support import reports
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.labs import task as task_yaml

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# What GitHub looks for in rendered text: mentions, references, emoji.
# https://docs.github.com/get-started/writing-on-github
FOUND_LATER = re.compile(r"@\w|#\d|\bGH-\d|:[\w+-]+:")
DANGEROUS = {"html_inline", "html_block", "image", "s_open", "hr"}


def parsed(text: str) -> list[Token]:
    """Return all tokens, those inside of lines too."""
    return [token for outer in PARSER.parse(text) for token in (outer, *(outer.children or ()))]


def shown(tokens: list[Token]) -> str:
    """Return the text that is rendered; whatever is no text, code above all, ends a word."""
    return "".join(token.content if token.type == "text" else "\n" for token in tokens)


@reports.any_report
def test_no_word_of_a_report_becomes_markup(report: Report) -> None:
    tokens = parsed(markdown.render(report))
    assert not DANGEROUS & {token.type for token in tokens}
    assert not FOUND_LATER.search(shown(tokens))
    links = [token.attrs["href"] for token in tokens if token.type == "link_open"]
    assert all(urlsplit(str(each)).scheme in ("http", "https") for each in links)
    findings = [f for t in report.tasks for c in t.checks for f in c.verdict.findings]
    assert len(links) <= sum(bool(each.url) for each in findings)


@reports.any_report
def test_the_table_has_a_row_for_each_task_and_the_headings_are_ours(report: Report) -> None:
    tokens = PARSER.parse(markdown.render(report))
    count = [token.type for token in tokens].count
    checks = [check for task in report.tasks for check in task.checks]
    failing = [check for check in checks if check.verdict.outcome is not Outcome.PASS]
    assert count("table_open") == 1
    assert count("tr_open") == len(report.tasks) + 1
    assert count("td_open") == 4 * len(report.tasks)
    assert count("heading_open") == 1 + len(failing)
    logs = [check for check in failing if check.verdict.evidence and check.verdict.evidence.log]
    assert count("fence") == len(logs)
    assert count("code_block") == count("blockquote_open") == count("ordered_list_open") == 0


@given(reports.words)
def test_prose_shows_what_it_was_given(text: str) -> None:
    (paragraph,) = [token for token in PARSER.parse(f"x{format_prose(text)}y") if token.children]
    read = "".join(token.content for token in paragraph.children or ()).replace("\u200b", "")
    assert read == f"x{' '.join(sanitize_line(text).split())}y"


@given(reports.some_words)
def test_code_shows_what_it_was_given(text: str) -> None:
    (paragraph,) = [token for token in PARSER.parse(f"x {format_code(text)} y") if token.children]
    (span,) = [token for token in paragraph.children or () if token.type == "code_inline"]
    assert span.content == " ".join(sanitize_line(text).split())


@given(st.lists(reports.words, min_size=1))
def test_a_block_ends_where_it_should(lines: list[str]) -> None:
    fence, after = (
        token
        for token in PARSER.parse(f"{format_block(lines)}\nafter")
        if token.type in ("fence", "inline")
    )
    assert fence.content.rstrip("\n") == sanitize_block("\n".join(lines)).rstrip("\n")
    assert after.content == "after"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("see https://x.example", r"see https\://x.example"),
        ("www.x.example", r"www\.x.example"),
        ("mailto:me", r"mailto\:me"),
        ("mail a@x.example", "mail a@&#8203;x.example"),
        ("a | b", r"a \| b"),
        ("  a\n\tb  ", r"a\\n b"),
        (":tada: 10:30", ":&#8203;tada: 10:30"),
    ],
)
def test_what_github_would_turn_into_something_is_taken_apart(text: str, told: str) -> None:
    assert format_prose(text) == told


def test_a_person_finds_all_that_matters() -> None:
    verdict = failed(
        "2 things",
        Finding("use JSON", path="Dockerfile", line=3, rule="DL1", url="https://r.example/a_b(1)"),
        Finding("no page", rule="X", url="javascript:alert(1)"),
        evidence=Evidence("a command", "this", "that", ("last words",)),
        hint="do better",
    )
    text = markdown.render(reports.report(reports.task("a", verdict)))
    for line in (
        "## 0 of 10 points · A lab",
        "| ❌ fail | a | The task a | 0/10 |",
        "### ❌ a · a-1",
        "- `Dockerfile:3` use JSON [DL1](<https://r.example/a_b(1)>)",
        "- no page X",
        "- ran: `a command`",
        "- happened: that",
        "last words",
        "Next: do better",
    ):
        assert line in text.splitlines()


@reports.any_report
def test_a_limit_is_kept_and_what_is_missing_is_counted(report: Report) -> None:
    whole = markdown.render(report, 10**7)
    for limit in range(500, 3000, 500):
        text = markdown.render(report, limit)
        assert len(text.encode()) <= limit
        assert text == whole or re.search(r"^\d+ more parts did not fit", text, re.MULTILINE)


def test_the_command_writes_a_file(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task_yaml("a") + task_yaml("b", "unavailable", points=30))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    said = devlab("check", tmp_path / "w", "--format", "markdown", "--output", tmp_path / "r.md")
    assert (said.code, said.out) == (3, "")
    text = (tmp_path / "r.md").read_text("utf-8")
    assert "| ❔ unavailable | b | The task b | -/30 |" in text
    assert "30 of 40 points could not be graded here, and cost nothing: `b`" in text
