"""`devlab hint`, as a learner meets it, and which hint comes next."""

from __future__ import annotations

import itertools
import json
import os
import queue
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder import workspace
from scaffolder.core.errors import LabFileError
from scaffolder.labs import catalog, lab_file
from scaffolder.labs.lab_file import read_lab
from scaffolder.model import (
    CheckResult,
    Evidence,
    Finding,
    Hint,
    Lab,
    Outcome,
    Report,
    Task,
    TaskResult,
    Verdict,
)
from scaffolder.progress import hints, records
from scaffolder.proving.lint import lint_lab
from scaffolder.report.live.watch import Page, Shown, TakeHint
from scaffolder.watch.desk import Desk
from scaffolder.workspace import has_changed_since
from tests.support.command import Devlab
from tests.support.labs import Catalog, task

ANSWERS = """\
  - id: greets
    title: The service greets
    points: 10
    hints:
      - a nudge
      - nearly the answer
      - {rule: R1, text: for the rule}
      - {message: DOES  not hold 'hello', text: for the message}
      - {check: says-bye, text: for the check}
      - {check: says-bye, message: does not hold 'hello', text: for nobody}
    checks:
      - {id: says-hello, kind: test.holds, path: app.py, text: hello}
      - {id: says-bye, kind: test.holds, path: app.py, text: bye}
"""


@pytest.fixture
def work(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    catalog.lab(ANSWERS + task("second", "fail", needs="greets") + task("third", "fail"))
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    return folder


def given_by(devlab: Devlab, work: Path, *arguments: str) -> dict[str, object]:
    said = devlab("hint", *arguments, "--format", "json", cwd=work)
    assert said.code == 0, said.err
    document: dict[str, object] = json.loads(said.out)
    return document


def text_of(document: dict[str, object]) -> object:
    hint = document["hint"]
    return hint["text"] if isinstance(hint, dict) else None


def test_hints_for_the_failure_come_first_and_then_the_general_ones(
    devlab: Devlab, work: Path
) -> None:
    said = [devlab("hint", cwd=work).out for _ in range(4)]
    assert "for the check" in said[3], "what was written for this failure is told again"
    titles = ("hint for this failure", "hint for this failure", "hint 1 of 2", "hint 2 of 2")
    texts = ("for the message", "for the check", "a nudge", "nearly the")
    for out, title, words in zip(said, titles, texts, strict=True):
        assert title in out
        assert words in out
    assert "says-hello" in said[0]


def test_another_failure_gets_another_hint(devlab: Devlab, work: Path) -> None:
    assert text_of(given_by(devlab, work)) == "for the message"
    (work / "app.py").write_text("hello\n")
    document = given_by(devlab, work)
    assert text_of(document) == "for the check"
    assert document["hint"]["of"] is None  # type: ignore[index]
    (work / "app.py").write_text("hello bye\n")
    assert text_of(given_by(devlab, work)) == "a nudge"
    assert given_by(devlab, work)["task"]["id"] == "second"  # type: ignore[index]


def test_a_finding_of_the_rule_gets_the_hint_for_it(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    lab = task("a", "fail").replace("nearly the answer]", "nearly, {rule: R1, text: its page}]")
    catalog.lab(lab)
    devlab("new", "tested", tmp_path / "w", "--no-input")
    assert text_of(given_by(devlab, tmp_path / "w")) == "its page"


def test_what_was_used_is_remembered_and_shown_again(devlab: Devlab, work: Path) -> None:
    assert "no hint of it was used yet" in devlab("hint", "--all", cwd=work).out
    devlab("hint", cwd=work)
    devlab("hint", "third", cwd=work)
    again = devlab("hint", "greets", "--all", cwd=work).out
    assert "hint for this failure" in again
    assert "for the message" in again
    assert "for the check" not in again
    assert "for the check" in devlab("hint", "greets", cwd=work).out


def test_a_hint_keeps_the_number_that_it_was_shown_with(devlab: Devlab, work: Path) -> None:
    (work / "app.py").write_text("hello\n")
    shown = [given_by(devlab, work)["hint"] for _ in range(2)]
    (work / "app.py").write_text("bye\n")
    shown.append(given_by(devlab, work)["hint"])
    again = given_by(devlab, work, "--all")["used"]
    places = [(one["place"], one["number"]) for one in shown]  # type: ignore[index]
    assert places == [(None, 5), (1, 1), (None, 4)]
    assert [(one["place"], one["number"]) for one in again] == places  # type: ignore[attr-defined]


def test_the_count_stays_as_it_was_told_while_hints_for_failures_come_and_go(
    devlab: Devlab, work: Path
) -> None:
    """Somebody who reads "1 of 2" gets one more, whatever fails in between, and in another way."""
    (work / "app.py").write_text("hello bye\n")
    devlab("check", work)
    (work / "app.py").write_text("hello\n")
    said = [given_by(devlab, work)["hint"]]
    said.append(given_by(devlab, work)["hint"])
    (work / "app.py").write_text("bye\n")
    said += [given_by(devlab, work)["hint"] for _ in range(2)]
    counted = [(one["place"], one["of"]) for one in said]  # type: ignore[index]
    assert counted == [(None, None), (1, 2), (None, None), (2, 2)]
    assert "hint for a failure that is gone" in devlab("hint", "--all", cwd=work).out


def test_watch_counts_hints_and_says_what_they_are_for_as_hint_does(
    devlab: Devlab, work: Path
) -> None:
    devlab("check", work)
    found = workspace.find_workspace(work)
    report = records.read_last_report(found)
    assert report is not None
    pages: queue.Queue[Shown] = queue.Queue()
    desk = Desk(work, pages.put)
    desk.ask(catalog.load_for_workspace(found.manifest), TakeHint("greets", report))
    page = pages.get(timeout=60).page
    desk.close()
    assert isinstance(page, Page)
    words = "written for what says-hello says"
    assert page.title == f"hint for this failure, {words}"
    assert f"hint for this failure  {words}" in devlab("hint", "--all", cwd=work).out


@pytest.mark.parametrize("changed", [False, True])
def test_only_work_that_changed_is_checked_again(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    devlab("check", work)
    monkeypatch.setattr("scaffolder.workspace.has_changed_since", lambda *_: changed)
    if changed:
        (work / "app.py").write_text("changed = True\n")
    monkeypatch.setattr("scaffolder.grading.grader.grade", refuse)
    said = devlab("hint", cwd=work)
    assert ("for the message" in said.out) != changed
    assert ("graded again" in said.err) == changed


def test_work_is_as_it_was_only_where_nothing_was_changed_since(work: Path) -> None:
    (work / "app.py").write_text("hello\n")
    os.utime(work / "app.py", (0, 0))
    last = (work / "app.py").stat().st_ctime
    assert has_changed_since(work, last)
    assert not has_changed_since(work, last + 1e-4)
    assert has_changed_since(work, time.time() + 3600)


def refuse(*_: object, **__: object) -> Report:
    raise AssertionError("graded again")


def test_what_waits_for_another_task_gets_the_hint_of_that_one(devlab: Devlab, work: Path) -> None:
    out = devlab("hint", "second", cwd=work).out
    assert "second waits for greets" in out
    assert "for the message" in out


def test_where_all_are_used_it_says_what_is_left(devlab: Devlab, work: Path) -> None:
    for _ in range(2):
        devlab("hint", "third", cwd=work)
    said = devlab("hint", "third", cwd=work)
    assert said.code == 0
    assert "no further hint" in said.out
    for left in ("https://r1", "devlab solution third --give-up", "devlab lab kinds test.ends"):
        assert left in said.out
    assert given_by(devlab, work, "third")["hint"] is None


def test_no_failing_task_needs_no_hint(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task("a") + task("b", "unavailable"))
    work = tmp_path / "w"
    devlab("new", "tested", work, "--no-input")
    said = devlab("hint", cwd=work)
    assert said.code == 0
    assert "b could not be graded" in said.out
    assert "a passes and needs no hint" in devlab("hint", "a", cwd=work).out
    assert "a nudge" in devlab("hint", "b", cwd=work).out
    assert given_by(devlab, work)["task"] is None


def test_wrong_usage(devlab: Devlab, work: Path, tmp_path: Path) -> None:
    said = devlab("hint", "greet", cwd=work)
    assert said.code == 2
    assert "did you mean 'greets'" in said.err
    said = devlab("hint", cwd=tmp_path)
    assert said.code == 2
    assert "not in a devlab workspace" in said.err


def test_words_of_a_failure_cannot_command_the_terminal(devlab: Devlab, work: Path) -> None:
    out = devlab("hint", "third", cwd=work).out
    assert "app/a\\x1b[31m.py:3" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        ("{check: says-by, text: t}", "unknown check 'says-by'; did you mean 'says-bye'?"),
        ("{rul: R1, text: t}", "unknown key 'rul'; did you mean 'rule'?"),
        ("{text: t}", "a hint for every failure is a text alone"),
        ("{rule: R1}", "missing required field `text`"),
        ("{rule: ' ', text: t}", "matching regex"),
        ("{rule: 7, text: t}", "Expected `str`"),
        ("[t]", "Expected `str | object`"),
    ],
)
def test_a_hint_that_is_none_is_refused_with_its_line(
    catalog: Catalog, hint: str, words: str
) -> None:
    folder = catalog.lab(ANSWERS.replace("{rule: R1, text: for the rule}", hint))
    with pytest.raises(LabFileError) as caught:
        read_lab(folder)
    assert words in caught.value.message
    text = (folder / "lab.yaml").read_text()
    assert caught.value.line == 1 + text[: text.index(hint)].count("\n")


def test_lint_wants_general_hints_and_finds_those_that_nobody_gets(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "small"
    (folder / "solution").mkdir(parents=True)
    (folder / "lab.yaml").write_text(
        textwrap.dedent("""\
            version: "1"
            title: A
            summary: B
            track: c
            level: d
            minutes: 1
            skills: [e]
            template: flask-service
            tasks:
              - id: clean
                title: Clean
                points: 1
                hints:
                  - only one
                  - {rule: DL3008, text: never}
                  - {rule: DL3025, text: sometimes}
                checks:
                  - {id: lints, kind: dockerfile.lint, ignore: [DL3008]}
            """)
    )
    (folder / "instructions.md").write_text("<!-- devlab:tasks -->\nclean\n")
    (folder / "mistakes.yaml").write_text("mistakes: []\n")
    found = {problem.line: problem.message for problem in lint_lab(folder)}
    assert "1 hint, and at least 2 are needed" in found[13]
    assert "ignores the rule DL3008" in found[15]
    assert not any("DL3025" in words for words in found.values())


LABELS = st.sampled_from(["", "a", "b"])
HINTS = st.builds(Hint, text=st.just("t"), check=LABELS, rule=LABELS, message=LABELS)
CHECKS = st.builds(
    lambda name, rule, said, outcome: CheckResult(
        name,
        "test.ends",
        Verdict(outcome, said, (Finding("", rule=rule or None),), Evidence(log=(said,))),
        0,
    ),
    st.sampled_from(["a", "b"]),
    LABELS,
    LABELS,
    st.sampled_from(list(Outcome)),
)


@settings(max_examples=200)
@given(st.lists(HINTS, max_size=6), st.lists(CHECKS, max_size=3))
def test_each_hint_that_fits_is_given_once_and_those_that_answer_first(
    written: list[Hint], checks: list[CheckResult]
) -> None:
    lab = a_lab(written)
    result = TaskResult("t", "", 1, Outcome.FAIL, tuple(checks))
    report = Report("lab", "1", "", "", (result,), 0)
    used: list[int] = []
    told = []
    while (one := hints.choose_next_hint(lab, "t", report, used)) is not None:
        used.append(one.number)
        told.append(one)
    assert len(set(used)) == len(used)
    fits = [
        number
        for number, hint in enumerate(written, 1)
        if hint.general or any(hints.answers_failure(hint, check) for check in checks)
    ]
    assert sorted(used) == fits
    answering = [bool(one.answers) for one in told]
    assert answering == sorted(answering, reverse=True)
    general = sum(hint.general for hint in written)
    counted = [(one.place, one.of) for one in told if one.place is not None]
    assert counted == [(number, general) for number in range(1, general + 1)]
    assert all((one.place is None) is bool(one.answers) for one in told)
    for kind in (True, False):
        numbers = [one.number for one in told if bool(one.answers) is kind]
        assert all(first < second for first, second in itertools.pairwise(numbers))


def a_lab(written: list[Hint]) -> Lab:
    return Lab(
        id="lab",
        version="1",
        title="",
        summary="",
        track="t",
        level="l",
        minutes=1,
        skills=(),
        template="t",
        tasks=(Task("t", "", 1, (), hints=tuple(written)),),
        root=Path(),
    )


def test_a_report_that_says_nothing_of_the_task_gives_the_general_hints() -> None:
    lab = a_lab([Hint("a", rule="R"), Hint("b")])
    one = hints.choose_next_hint(lab, "t", None)
    assert one is not None
    assert (one.number, one.text) == (2, "b")
    assert lab_file.require_task(lab, "t").hints[0].text == "a"


def test_a_hint_after_a_narrow_check_runs_nothing_that_is_known(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.lab(task("quick") + task("other", "fail") + task("third"))
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    assert devlab("check", cwd=folder).code == 1
    assert devlab("check", "--task", "quick", cwd=folder).code == 0

    def no_run(*_: object, **__: object) -> None:
        raise AssertionError("what is known runs again")

    monkeypatch.setattr("scaffolder.grading.grader.make_run_folder", no_run)
    said = devlab("hint", cwd=folder)
    assert said.code == 0
    assert "a nudge" in said.out
    assert "The task other" in said.out


def test_what_a_machine_lacks_is_no_hint_of_the_lab(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("only", "unavailable"))
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    said = devlab("hint", "only", cwd=folder).out
    assert "to have it graded: install it" in said
    assert said.index("to have it graded") < said.index("a nudge")
    told = json.loads(devlab("hint", "only", "--format", "json", cwd=folder).out)
    assert told["task"]["to_be_graded"] == ["install it"]
