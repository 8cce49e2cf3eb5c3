"""What GitHub's runner makes of what `devlab check --format github` prints and leaves behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from scaffolder.core.text import sanitize_line
from scaffolder.model import Finding, Outcome, Report, failed, passed, unavailable
from scaffolder.report import github, markdown
from tests.support import reports
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.labs import task as task_yaml


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    value: str


def run(stdout: str) -> list[Command]:
    """Read workflow commands as the runner does (actions/runner, ActionCommand.cs)."""
    commands = []
    for line in re.split(r"\r\n|\r|\n", stdout):
        new = line.lstrip()
        if new.startswith("::") and "::" in new[2:]:
            info, _, data = new[2:].partition("::")
            name, _, told = info.partition(" ")
            pairs = (each.split("=", 1) for each in told.split(",") if "=" in each)
            found = {key.strip(): unescape(value, name=True) for key, value in pairs}
            commands.append(Command(name, found, unescape(data)))
        elif "##[" in line:
            commands.append(Command("##", {}, line))
    return commands


def unescape(text: str, *, name: bool = False) -> str:
    more = (("%3A", ":"), ("%2C", ",")) if name else ()
    for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(escaped, plain)
    return text


@reports.any_report
def test_no_word_of_a_report_becomes_a_command(report: Report) -> None:
    printed = github.render(report)
    commands = run(printed)
    wanted = github.annotate(report)
    assert [(each.name, each.properties["title"]) for each in commands] == [
        (each.level, sanitize_line(each.title).replace("##[", "## [")) for each in wanted
    ]
    for command in commands:
        assert set(command.properties) <= {"file", "line", "title"}
        assert "##[" not in command.value
    for level in ("error", "warning", "notice"):
        assert sum(each.name == level for each in commands) <= github.SHOWN
    printed.encode()


@reports.any_report
def test_outputs_are_five_lines_of_ours(report: Report) -> None:
    lines = github.render_outputs(report).splitlines()
    names = ["score", "gradable", "total", "not_shown", "outcome"]
    assert [line.partition("=")[0] for line in lines] == names
    assert all(re.fullmatch(r"\w+=(\d+|pass|fail|unavailable)", line) for line in lines)


@reports.any_report
def test_every_failed_check_is_an_error_while_there_is_room(report: Report) -> None:
    failing = [
        check
        for task in report.tasks
        for check in task.checks
        if check.verdict.outcome is Outcome.FAIL
    ]
    errors = [each for each in github.annotate(report) if each.level == "error"]
    assert len(errors) >= min(len(failing), github.SHOWN)


def test_a_finding_is_annotated_where_it_is() -> None:
    finding = Finding("100%, at: once", path="a,b:c%.py", line=3, rule="R1")
    (command,) = run(github.render(reports.report(reports.task("a", failed("bad", finding)))))
    assert command.name == "error"
    assert command.properties == {"file": "a,b:c%.py", "line": "3", "title": "The task a (a)"}
    assert command.value == "bad\n100%, at: once [R1]"


def test_more_than_github_shows_is_counted_and_each_check_keeps_one() -> None:
    many = tuple(Finding(f"number {number}", path="f", line=number) for number in range(1, 31))
    report = reports.report(
        reports.task("a", failed("many", *many)), reports.task("b", failed("another"))
    )
    commands = run(github.render(report))
    assert len(commands) == github.SHOWN
    assert "another" in commands[1].value
    assert commands[-1].value.startswith("and 22 more")


def test_what_was_not_graded_is_a_warning_that_costs_nothing() -> None:
    report = reports.report(reports.task("a", unavailable("no engine", "install it")))
    (command,) = run(github.render(report))
    assert command.name == "warning"
    assert "no engine\nnext: install it\n" in command.value
    assert "costs no points" in command.value


def test_paths_are_told_from_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reports.task("a", failed("bad", Finding("x", path="app/a.py")))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    for folder, told in ((tmp_path / "labs" / "one", "labs/one/app/a.py"), (Path("/"), "app/a.py")):
        (command,) = run(github.render(reports.report(made, workspace=str(folder))))
        assert command.properties["file"] == told


def test_a_huge_report_stays_below_what_github_takes() -> None:
    wide = tuple(Finding("x" * 400, path="f", rule="y" * 400) for _ in range(20))
    every = (reports.task(f"t{number}", failed("z" * 400, *wide)) for number in range(120))
    text = github.render_summary(reports.report(*every))
    assert 900_000 < len(text.encode()) <= 1_000_000
    assert re.search(r"\n\d+ more parts did not fit in here", text)
    assert len(markdown.render(reports.report(reports.task("a", failed("z", *wide)))).encode()) < (
        markdown.PASTED
    )


def test_the_command_leaves_a_summary_and_outputs(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.lab(task_yaml("a") + task_yaml("b", "fail", points=30))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    (tmp_path / "outputs").write_text("earlier=1\n")
    said = devlab("check", tmp_path / "w", "--format", "github")
    assert said.code == 1
    assert [command.name for command in run(said.out)] == ["error"]
    told = (tmp_path / "outputs").read_text()
    assert told == "earlier=1\nscore=10\ngradable=40\ntotal=40\nnot_shown=0\noutcome=fail\n"
    assert "| ❌ fail | b |" in (tmp_path / "summary").read_text()


def test_without_a_runner_there_is_only_the_text(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    catalog.lab(task_yaml("a"))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    said = devlab("check", tmp_path / "w", "--format", "github", "--output", tmp_path / "log")
    assert (said.code, said.out) == (0, "")
    assert "10 of 10 points" in (tmp_path / "log").read_text()


def test_a_summary_that_cannot_be_written_is_told(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary"))
    catalog.lab(task_yaml("a"))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    said = devlab("check", tmp_path / "w", "--format", "github")
    assert said.code == 2
    assert "GITHUB_STEP_SUMMARY" in said.err


def test_passes_are_told_in_the_log_alone() -> None:
    printed = github.render(reports.report(reports.task("a", passed("fine"))))
    assert run(printed) == []
    assert printed == "pass        a  The task a\n10 of 10 points  A lab\n"


def test_nothing_is_drawn_between_the_commands(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set in many workflows, and act gives steps a terminal: rich takes both for a person's.
    monkeypatch.setenv("FORCE_COLOR", "1")
    catalog.lab(task_yaml("a", "fail"))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    said = devlab("check", tmp_path / "w", "--format", "github")
    assert said.err == ""
    assert said.out.startswith("::error ")
