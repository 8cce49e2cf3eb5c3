"""What is new since the last check: points won and lost, first passes, and the finish."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from scaffolder.core import paths
from scaffolder.grading.cache import reports
from scaffolder.grading.cache.store import Kept
from scaffolder.labs import catalog as real_catalog
from scaffolder.progress import records
from scaffolder.progress.records import schema
from scaffolder.workspace import find_workspace
from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog, task

pytestmark = pytest.mark.usefixtures("own_home")

FINISH = """\
finish:
  proved: "You \\e[31mproved it."
  at_work: It matters on Fridays.
"""


def holding(name: str, *, given: bool = False, needs: str = "") -> str:
    """Return a task that passes where the file of its name holds "yes"."""
    return (
        f"  - id: {name}\n    title: The task {name}\n    points: 10\n    needs: [{needs}]\n"
        f"    given: {str(given).lower()}\n    hints: [a nudge, nearly the answer]\n    checks:\n"
        f"      - {{id: {name}-check, kind: test.holds, path: {name}, text: 'yes'}}\n"
    )


def save(work: Path, **files: str) -> None:
    for name, text in files.items():
        (work / name).write_text(text)


@pytest.fixture
def work(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    lab = catalog.lab(holding("a") + holding("b") + holding("kept", given=True), head=HEAD + FINISH)
    save(lab / "start", a="no", b="no", kept="yes")
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    return folder


def told(devlab: Devlab, work: Path, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(devlab("check", work, *arguments, "--format", "json").out)
    return document


def changes(devlab: Devlab, work: Path, *arguments: str) -> dict[str, int]:
    return {one["task"]: one["points"] for one in told(devlab, work, *arguments)["changes"]}


def test_points_won_and_lost_are_told_once_gains_first(devlab: Devlab, work: Path) -> None:
    save(work, a="yes")
    first = devlab("check", work).out
    assert "since the last check" not in first, "there was none"
    save(work, a="no", b="yes")
    assert "\nsince the last check: +10 b, -10 a\n" in devlab("check", work).out
    assert "since the last check" not in devlab("check", work).out
    save(work, a="yes", b="yes")
    assert changes(devlab, work) == {"a": 10}
    assert changes(devlab, work) == {}


def test_work_that_is_as_it_was_once_is_compared_with_what_was_told_last(
    devlab: Devlab, work: Path
) -> None:
    """Its report is kept whole: nothing runs, and what is new since then is told all the same."""
    devlab("check", work)
    save(work, a="yes")
    assert changes(devlab, work) == {"a": 10}
    save(work, a="no")
    again = told(devlab, work)
    assert all(check["cached"] for one in again["tasks"] for check in one["checks"])
    assert again["changes"] == [{"task": "a", "points": -10}]
    assert changes(devlab, work) == {}


def test_a_narrow_check_says_nothing_of_the_other_tasks(devlab: Devlab, work: Path) -> None:
    save(work, a="yes")
    devlab("check", work)
    save(work, a="no", b="yes")
    assert changes(devlab, work, "--task", "b") == {"b": 10}
    assert changes(devlab, work) == {"a": -10}


def test_a_task_that_passes_on_the_start_is_no_gain_and_can_be_lost(
    devlab: Devlab, work: Path
) -> None:
    assert changes(devlab, work, "--task", "a") == {}
    assert changes(devlab, work) == {}
    save(work, kept="no")
    assert changes(devlab, work) == {"kept": -10}


def test_what_cannot_be_graded_is_neither_lost_nor_won(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    lab = catalog.lab(task("a"))
    work = tmp_path / "work"
    assert devlab("new", "tested", work, "--no-input").code == 0
    assert devlab("check", work).code == 0
    (lab / "lab.yaml").write_text(f"{HEAD}tasks:\n{task('a', 'unavailable')}")
    assert changes(devlab, work) == {}
    (lab / "lab.yaml").write_text(f"{HEAD}tasks:\n{task('a')}")
    assert changes(devlab, work) == {}


def test_a_first_pass_says_what_was_proved_and_only_once(devlab: Devlab, work: Path) -> None:
    save(work, a="yes")
    said = devlab("check", work).out
    assert "✓ a passes for the first time: a holds 'yes'" in said
    assert "kept passes" not in said, "it passed before anything was done"
    save(work, a="no")
    devlab("check", work)
    save(work, a="yes")
    assert "for the first time" not in devlab("check", work, "--no-cache").out
    save(work, b="yes")
    assert told(devlab, work)["proved"] == [{"task": "b", "says": "b holds 'yes'"}]


def test_the_sentence_counts_what_else_was_checked(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    more = "".join(
        f"      - {{id: more-{one}, kind: test.ends, outcome: pass, message: {one}}}\n"
        for one in ("one", "two", "two-again")
    )
    catalog.lab(task("a") + more)
    devlab("new", "tested", tmp_path / "work", "--no-input")
    said = devlab("check", tmp_path / "work").out
    assert "a passes for the first time: as told (and 3 more checks)" in said


def test_what_hint_and_solution_find_out_stays_new_for_the_next_check(
    devlab: Devlab, work: Path
) -> None:
    devlab("check", work)
    save(work, a="yes")
    assert devlab("hint", cwd=work).code == 0
    assert devlab("solution", "a", cwd=work).code == 0
    document = told(devlab, work)
    assert document["changes"] == [{"task": "a", "points": 10}]
    assert [one["task"] for one in document["proved"]] == ["a"]


def test_a_workspace_in_the_place_of_another_begins_afresh(
    devlab: Devlab, work: Path, tmp_path: Path
) -> None:
    save(work, a="yes", b="yes")
    devlab("check", work)
    work.rename(tmp_path / "elsewhere")
    assert devlab("new", "tested", work, "--no-input").code == 0
    assert changes(devlab, work) == {}
    save(work, a="yes")
    assert [one["task"] for one in told(devlab, work)["proved"]] == ["a"]


def test_forgotten_progress_is_new_again(devlab: Devlab, work: Path) -> None:
    save(work, a="yes")
    devlab("check", work)
    assert devlab("progress", "forget", "tested", "--yes").code == 0
    document = told(devlab, work)
    assert document["changes"] == []
    assert [one["task"] for one in document["proved"]] == ["a"]


def test_no_check_depends_on_what_is_kept_of_it(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no-folder").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "no-folder"))
    said = devlab("check", work)
    assert said.code == 1
    assert "10 of 30 points" in said.out


def test_records_of_an_older_devlab_know_first_passes_and_no_more(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its tasks pass now nobody knows, so nothing is won or lost."""
    save(work, a="yes")
    devlab("check", work)
    file = paths.find_data_folder() / "progress.db"
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE told")
        database.execute("PRAGMA user_version = 1")
    found = find_workspace(work)
    Kept.of_this_user().forget(reports._name_told(found))
    save(work, a="no", b="yes")
    document = told(devlab, work)
    assert [one["task"] for one in document["proved"]] == ["b"]
    assert document["changes"] == [{"task": "b", "points": 10}]
    assert len(schema.MIGRATIONS) == 2


def test_all_points_are_a_finish(devlab: Devlab, work: Path, catalog: Catalog) -> None:
    catalog.lab(task("other"), name="another")
    assert told(devlab, work)["finish"] is None
    save(work, a="yes", b="yes")
    said = devlab("check", work).out
    for words in (
        "You have all 30 points.",
        "What you proved: You \\x1b[31mproved it.",
        "At work: It matters on Fridays.",
        "    devlab solution --annotated",
        "    devlab new another",
    ):
        assert words in said
    assert "\x1b" not in said
    assert told(devlab, work)["finish"]["at_work"] == "It matters on Fridays."


def test_a_finish_is_told_again_without_a_look_at_other_labs(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(work, a="yes", b="yes")
    devlab("check", work)
    monkeypatch.setattr(real_catalog, "survey", None)
    said = devlab("check", work).out
    assert "At work: It matters on Fridays." in said
    assert "    devlab next\n" in said


@pytest.mark.parametrize("which", ["a part", "what is not graded"])
def test_less_than_all_points_is_no_finish(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, which: str
) -> None:
    second = "unavailable" if which == "what is not graded" else "pass"
    catalog.lab(task("a") + task("b", second), head=HEAD + FINISH)
    work = tmp_path / "work"
    devlab("new", "tested", work, "--no-input")
    only = ("--task", "a") if which == "a part" else ()
    said = devlab("check", work, *only)
    assert "You have all" not in said.out
    assert "You have all" not in devlab("next", cwd=work).out


def test_next_shows_the_finish_of_the_workspace_that_one_stands_in(
    devlab: Devlab, work: Path, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("other"), name="another")
    save(work, a="yes", b="yes")
    devlab("check", work)
    said = devlab("next", cwd=work).out
    assert "You have all 30 points." in said
    assert said == "".join(f"{line.rstrip()}\n" for line in said.splitlines())
    assert "    cd .. && devlab new another" in said
    document = json.loads(devlab("next", "--format", "json", cwd=work).out)
    assert document["finish"]["lab"] == "tested"
    assert document["command"] == "cd .. && devlab new another"
    assert "You have all" not in devlab("next", cwd=tmp_path).out
    save(work, a="no")
    devlab("check", work)
    assert "You have all" not in devlab("next", cwd=work).out


def test_after_the_last_lab_the_finish_leads_to_what_was_gained(devlab: Devlab, work: Path) -> None:
    save(work, a="yes", b="yes")
    assert "    devlab progress" in devlab("check", work).out
    assert "    devlab progress" in devlab("next", cwd=work).out


def test_a_check_that_tells_nothing_new_asks_no_records(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devlab("check", work)
    monkeypatch.setattr(records, "note_report", None)
    assert "10 of 30 points" in devlab("check", work).out


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ("finish: well done\n", "Expected `object | null`"),
        ("finish: {proved: it}\n", "missing required field `at_work`"),
        ("finish: {proved: it, at_work: there, more: x}\n", "unknown key 'more'"),
        ("finish: {proved: '', at_work: there}\n", "length >= 1"),
    ],
)
def test_a_finish_that_is_none_is_refused(
    devlab: Devlab, catalog: Catalog, finish: str, words: str
) -> None:
    catalog.lab(task("a"), head=HEAD + finish)
    said = devlab("show", "tested")
    assert said.code == 2
    assert words in said.err
    assert "lab.yaml:9" in said.err or "lab.yaml:10" in said.err
