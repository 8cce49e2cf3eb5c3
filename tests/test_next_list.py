"""What there is, what is done of it, and what comes next."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog, task

pytestmark = pytest.mark.usefixtures("own_home")


def head(track: str = "tests", level: str = "beginner", skills: str = "testing") -> str:
    return (
        HEAD.replace("track: tests", f"track: {track}")
        .replace("level: beginner", f"level: {level}")
        .replace("skills: [testing]", f"skills: [{skills}]")
    )


def do(devlab: Devlab, lab: str, folder: Path) -> Path:
    """Begin a lab and check it once."""
    assert devlab("new", lab, folder, "--no-input").code == 0
    assert devlab("check", folder).code in (0, 1)
    return folder


def listed(devlab: Devlab, lab: str) -> dict[str, object]:
    entries = json.loads(devlab("list", "--format", "json").out)
    progress: dict[str, object] = next(one for one in entries if one["id"] == lab)["progress"]
    return progress


def following(devlab: Devlab, cwd: Path | None = None) -> dict[str, object]:
    document: dict[str, object] = json.loads(devlab("next", "--format", "json", cwd=cwd).out)
    assert document["schema"] == "devlab.next/1"
    return document


def test_list_tells_what_was_done(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task("a", points=30) + task("b", "fail"))
    assert listed(devlab, "tested")["state"] == "new"
    work = do(devlab, "tested", tmp_path / "work")
    devlab("check", work, "--task", "b")
    assert listed(devlab, "tested") == {
        "state": "begun",
        "gained": 30,
        "passed": ["a"],
        "attempts": 2,
        "best": {"earned": 30, "total": 40},
        "hints": 0,
    }
    assert "~ tested" in devlab("list").out
    assert "30 of 40 points" in devlab("list").out


def test_list_is_by_track_and_level(devlab: Devlab, catalog: Catalog) -> None:
    for name, track, level in (
        ("one", "zebra", "beginner"),
        ("two", "apes", "advanced"),
        ("three", "apes", "of-my-own"),
        ("four", "apes", "beginner"),
    ):
        catalog.lab(task("a"), name=name, head=head(track, level))
    lines = [line.strip() for line in devlab("list").out.splitlines()]
    names = [line for line in lines if line in {"one", "two", "three", "four", "apes", "zebra"}]
    assert names == ["apes", "four", "two", "three", "zebra", "one"]


def test_a_lab_is_done_over_several_workspaces(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    folder = catalog.lab(task("a") + task("b", "fail"))
    do(devlab, "tested", tmp_path / "first")
    lab = folder / "lab.yaml"
    lab.write_text(lab.read_text().replace("outcome: pass", "outcome: x").replace("fail", "pass"))
    lab.write_text(lab.read_text().replace("outcome: x", "outcome: fail"))
    do(devlab, "tested", tmp_path / "second")
    assert listed(devlab, "tested")["state"] == "done"
    assert listed(devlab, "tested")["best"] == {"earned": 10, "total": 20}
    assert "✓ tested" in devlab("list").out


def test_the_points_are_those_of_the_lab_as_it_is_now(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    folder = catalog.lab(task("a") + task("b"))
    do(devlab, "tested", tmp_path / "work")
    lab = folder / "lab.yaml"
    lab.write_text(f"{head()}tasks:\n{task('a', points=25)}{task('new')}")
    assert listed(devlab, "tested")["gained"] == 25
    assert listed(devlab, "tested")["state"] == "begun"


def test_list_is_narrow_where_the_terminal_is(
    devlab: Devlab, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.lab(task("a"), head=head().replace("A lab for tests", "word " * 40))
    monkeypatch.setenv("COLUMNS", "50")
    assert max(map(len, devlab("list").out.splitlines())) <= 50


def test_one_task_is_one(devlab: Devlab, catalog: Catalog) -> None:
    catalog.lab(task("a"))
    assert " 1 task, 10 points" in devlab("list").out


def test_the_first_lab_is_the_easiest(devlab: Devlab, catalog: Catalog) -> None:
    catalog.lab(task("a"), name="hard", head=head("aaa", "advanced"))
    catalog.lab(task("a"), name="easy", head=head("zzz", "beginner", "docker, odd-skill"))
    said = following(devlab)
    assert said["command"] == "devlab new easy"
    assert "Containers, odd-skill" in str(said["why"])


def test_what_is_begun_goes_on_first_with_a_command_that_works(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("a", points=30) + task("b", "fail") + task("c", "fail", needs="b"))
    catalog.lab(task("a"), name="another")
    work = do(devlab, "tested", tmp_path / "with space; and 'quotes'")
    said = following(devlab, cwd=tmp_path)
    assert said["lab"]["id"] == "tested"  # type: ignore[index]
    assert said["task"]["id"] == "b"  # type: ignore[index]
    assert "30 of 50 points, 2 tasks are left" in str(said["why"])
    words = shlex.split(str(said["command"]))
    assert words == ["cd", str(work), "&&", "devlab", "check", "--task", "b"]
    assert "Go on with tested" in devlab("next").out
    assert following(devlab, cwd=work)["command"] == "devlab check --task b"


def test_the_workspace_that_one_stands_in_comes_before_those_checked_later(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("a") + task("b", "fail"))
    do(devlab, "tested", tmp_path / "checked")
    assert devlab("new", "tested", tmp_path / "unchecked", "--no-input").code == 0
    assert following(devlab, cwd=tmp_path)["workspace"] == str(tmp_path / "checked")
    here = following(devlab, cwd=tmp_path / "unchecked")
    assert here["workspace"] == str(tmp_path / "unchecked")
    assert here["command"] == "devlab check --task a"


def test_a_workspace_that_is_gone_or_another_lab_now_is_not_offered(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("a", "fail"))
    catalog.lab(task("a"), name="another", head=head(level="advanced"))
    work = do(devlab, "tested", tmp_path / "work")
    shutil.rmtree(work)
    said = following(devlab, cwd=tmp_path)
    assert said["command"] == "devlab new tested"
    assert "gone or moved" in str(said["why"])
    do(devlab, "another", work)
    assert following(devlab, cwd=tmp_path)["workspace"] is None


def test_a_track_that_was_begun_goes_on_before_an_easier_one_begins(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("a"), name="first", head=head("mine"))
    catalog.lab(task("a"), name="second", head=head("mine", "advanced"))
    catalog.lab(task("a"), name="third", head=head("other"))
    do(devlab, "first", tmp_path / "work")
    said = following(devlab, cwd=tmp_path)
    assert said["command"] == "devlab new second"
    assert "goes on with the track mine" in str(said["why"])


def test_of_equal_labs_comes_the_one_with_most_that_is_new(
    devlab: Devlab, catalog: Catalog
) -> None:
    catalog.lab(task("a"), name="aaa", head=head(skills="docker, containers"))
    catalog.lab(task("a"), name="bbb", head=head(skills="docker, security"))
    assert following(devlab)["command"] == "devlab new bbb"


def test_after_the_last_lab_nothing_comes(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task("a"))
    do(devlab, "tested", tmp_path / "work")
    said = following(devlab, cwd=tmp_path)
    assert (said["lab"], said["command"]) == (None, None)
    assert "devlab pack add" in devlab("next").out


def test_a_lab_that_is_done_goes_on_only_where_one_stands(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    reads = "{{id: a-check, kind: test.holds, path: app.py, text: {}}}".format
    catalog.lab(task("a").replace("{id: a-check, kind: test.ends, outcome: pass}", reads("NAME")))
    do(devlab, "tested", tmp_path / "finished")
    abandoned = tmp_path / "abandoned"
    assert devlab("new", "tested", abandoned, "--no-input").code == 0
    (abandoned / "app.py").write_text("")
    assert devlab("check", abandoned).code == 1
    assert following(devlab, cwd=tmp_path)["command"] is None
    assert following(devlab, cwd=tmp_path / "finished")["command"] is None
    assert following(devlab, cwd=abandoned)["command"] == "devlab check --task a"


def test_words_of_others_are_harmless(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    hostile = 'title: "\\e]0;owned\\a\\e[31mred"'
    catalog.lab(task("a", "fail"), head=head().replace("title: A lab for tests", hostile))
    do(devlab, "tested", tmp_path / "a\nb\x1b[31m")
    for said in (devlab("list"), devlab("next", cwd=tmp_path), devlab("progress")):
        assert "\x1b]" not in said.out
        assert "\x1b[31m" not in said.out


@pytest.mark.parametrize("what", ["a file", "a folder", "a broken link", "another lab's work"])
def test_next_makes_no_lab_where_something_stands(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, what: str
) -> None:
    catalog.lab(task("a"))
    there = tmp_path / "tested"
    if what == "a file":
        there.touch()
    elif what == "a folder":
        there.mkdir()
    elif what == "a broken link":
        there.symlink_to("nowhere")
    else:
        catalog.lab(task("a"), name="other")
        do(devlab, "other", there)
    command = shlex.split(str(following(devlab, tmp_path)["command"]))
    assert command == ["devlab", "new", "tested", "tested-2"]
    assert devlab(*command[1:], "--no-input", cwd=tmp_path).code == 0


def test_next_goes_on_with_work_that_is_here(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("a"))
    assert devlab("new", "tested", tmp_path / "tested", "--no-input").code == 0
    step = following(devlab, tmp_path)
    assert step["command"] == "cd tested && devlab check"
    assert "its workspace is here" in str(step["why"])
