"""The picture of the skills that were gained, and progress that travels in a file."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffolder.model.skills import SKILLS
from scaffolder.progress import records
from scaffolder.progress.records import entries, exchange, store, telling
from scaffolder.progress.standing import Key, LabNote, Records
from scaffolder.workspace import escape_path
from tests.support.command import Devlab, Said
from tests.support.labs import HEAD, Catalog, task

SVG = "{http://www.w3.org/2000/svg}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(autouse=True)
def _own_records(own_home: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(telling, "_said", set())
    yield
    telling.take()


def head(skills: str) -> str:
    return HEAD.replace("[testing]", f"[{skills}]")


@pytest.fixture
def done(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    """One lab of two is half done."""
    catalog.lab(
        task("a", points=30) + task("b", "fail"),
        head=head("docker, containers, security, juggling"),
    )
    catalog.lab(task("a"), name="another", head=head("security"))
    work = tmp_path / "work"
    assert devlab("new", "tested", work, "--no-input").code == 0
    assert devlab("check", work).code == 1
    return work


def standing(devlab: Devlab) -> dict[str, dict[str, object]]:
    document = json.loads(devlab("progress", "--format", "json").out)
    assert document["schema"] == "devlab.standing/1"
    return {one["id"]: one for one in (*document["skills"], *document["other_skills"])}


def test_the_points_of_passed_tasks_count_for_each_skill_of_their_lab(
    devlab: Devlab, done: Path
) -> None:
    skills = standing(devlab)
    assert list(skills)[:8] == [skill.id for skill in SKILLS]
    told = {name: (one["gained"], one["points"]) for name, one in skills.items()}
    assert told["containers"] == (30, 40)
    assert told["security"] == (30, 50)
    assert told["juggling"] == (30, 40)
    assert told["cloud"] == (0, 0)
    assert skills["security"]["labs"] == ["another", "tested"]


def test_a_task_that_passed_in_two_workspaces_counts_once(
    devlab: Devlab, done: Path, tmp_path: Path
) -> None:
    devlab("new", "tested", tmp_path / "second", "--no-input")
    devlab("check", tmp_path / "second")
    assert standing(devlab)["containers"]["gained"] == 30


def test_what_was_gained_stays_when_a_lab_goes(
    devlab: Devlab, done: Path, catalog: Catalog
) -> None:
    (catalog.root / "labs" / "tested" / "lab.yaml").unlink()
    assert standing(devlab)["containers"] == {
        "id": "containers",
        "title": "Containers",
        "gained": 0,
        "points": 0,
        "labs": [],
        "elsewhere": 30,
    }
    security = standing(devlab)["security"]
    assert (security["gained"], security["points"], security["elsewhere"]) == (0, 10, 30)
    assert "0/10 +30" in devlab("progress").out
    assert "not installed here" in devlab("progress", "--format", "html").out
    assert "0 of 10 points, 0 of 1 lab done; 30 points in 1 lab" in devlab("progress").out
    document = json.loads(devlab("progress", "--format", "json").out)
    assert document["points"] == {"gained": 0, "total": 10}
    assert [lab["gained"] for lab in document["labs"]] == [0, 30]


def test_the_terminal_shows_every_skill_and_says_what_no_lab_teaches(
    devlab: Devlab, done: Path
) -> None:
    out = devlab("progress").out
    lines = {
        skill.title: line for skill in SKILLS for line in out.splitlines() if skill.title in line
    }
    assert "30/40" in lines["Containers"]
    assert "no lab here teaches it yet" in lines["Monitoring"]
    assert "points of tasks that passed" in out
    assert out == "".join(f"{line.rstrip()}\n" for line in out.splitlines())


@pytest.mark.parametrize("width", [50, 80, 100])
def test_it_fits_the_terminal(devlab: Devlab, done: Path, tmp_path: Path, width: int) -> None:
    from rich.console import Console

    from scaffolder.labs import catalog
    from scaffolder.progress.standing import compute_standing
    from scaffolder.report.standing import text

    labs = catalog.survey().labs
    with (tmp_path / "drawn").open("w+", encoding="ascii") as file:
        text.draw(compute_standing(labs, records.read_all()), Console(file=file, width=width))
        file.seek(0)
        lines = file.read().splitlines()
    assert max(map(len, lines)) <= width
    assert any("#" in line and "30/40" in line for line in lines)
    untaught = next(line for line in lines if line.startswith("Monitoring"))
    assert untaught.split(maxsplit=1)[1].rstrip() in ("no lab", "no lab here teaches it yet")


def picture(said: Said) -> ET.Element:
    assert said.code == 0, said.err
    return ET.fromstring(said.out)


def test_the_svg_is_valid_told_in_words_and_runs_nothing(devlab: Devlab, done: Path) -> None:
    root = picture(devlab("progress", "--format", "svg"))
    assert root.tag == f"{SVG}svg"
    named = root.attrib["aria-labelledby"].split()
    told = [root.find(f"*[@id='{name}']") for name in named]
    assert [one.tag for one in told if one is not None] == [f"{SVG}title", f"{SVG}desc"]
    assert "Containers: 30 of 40 points" in str(told[1].text)  # type: ignore[union-attr]
    assert "Cloud: no lab here teaches it yet" in str(told[1].text)  # type: ignore[union-attr]
    require_self_contained(root)
    rails = root.findall(f".//{SVG}rect[@class='rail']")
    gained = root.findall(f".//{SVG}rect[@class='gained']")
    assert len(rails) == 3
    assert [round(int(bar.get("width", 0)) / 340, 2) for bar in gained] == [0.75, 0.6, 0.75]


def require_self_contained(root: ET.Element) -> None:
    for element in root.iter():
        assert element.tag.rpartition("}")[2] not in {"script", "image", "use", "link", "iframe"}
        assert not [name for name in element.attrib if name.startswith(("on", "href", "src"))]
    style = "".join(element.text or "" for element in root.iter() if element.tag.endswith("style"))
    assert "prefers-color-scheme:dark" in style
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_holds_the_picture_and_the_labs(devlab: Devlab, done: Path) -> None:
    said = devlab("progress", "--format", "html")
    assert said.out.startswith("<!DOCTYPE html>\n<html")
    root = picture(said)
    assert root.find(f".//{SVG}svg") is not None
    assert root.get("lang") == "en"
    require_self_contained(root)
    cells = [[cell.text for cell in row] for row in root.findall(f".//{XHTML}tbody/{XHTML}tr")]
    assert [row[:4] for row in cells] == [
        ["another", "not begun", "0 of 10", "0"],
        ["tested", "begun", "30 of 40", "1"],
    ]


@pytest.mark.parametrize("form", ["svg", "html"])
def test_hostile_words_stay_words(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, form: str
) -> None:
    document = exported()
    document["labs"][0]["title"] = "<script>alert(1)</script>\x1b[31m\ufffe & more"
    document["labs"][0]["id"] = document["workspaces"][0]["lab"] = "</svg><script>"
    document["labs"][0]["skills"] = ["]]><script>", "\u202eevil\x00"]
    assert merged(devlab, tmp_path, document).code == 0
    root = picture(devlab("progress", "--format", form))
    require_self_contained(root)
    everything = "".join(root.itertext())
    assert "<script>" in everything
    assert not re.search("[\x00\x1b\u202e\ufffe]", everything)
    assert "\x1b" not in devlab("progress").out


def test_it_goes_into_a_file(devlab: Devlab, done: Path, tmp_path: Path) -> None:
    said = devlab("progress", "--format", "svg", "--output", tmp_path / "skills.svg")
    assert (said.code, said.out) == (0, "")
    assert ET.parse(tmp_path / "skills.svg").getroot().tag == f"{SVG}svg"
    devlab("progress", "--output", tmp_path / "skills.txt")
    assert "30/40" in (tmp_path / "skills.txt").read_text()
    assert devlab("progress", "--output", tmp_path / "no" / "x").code == 2


# -- progress that travels ---------------------------------------------------------------------


def exported() -> dict[str, list[dict[str, object]]]:
    """Return a document with all that there can be in one."""
    return {
        "schema": "devlab.progress/1",  # type: ignore[dict-item]
        "labs": [
            {
                "id": "tested",
                "version": "1",
                "title": "A lab",
                "tasks": 2,
                "points": 40,
                "skills": ["docker"],
                "at": "2026-01-01T00:00:00Z",
            }
        ],
        "workspaces": [
            {
                "path": "/home/somebody/work",
                "lab": "tested",
                "learner": "",
                "best": 30,
                "best_of": 40,
                "at": "2026-01-02T00:00:00Z",
                "attempts": {"0" * 32: 3},
                "passed": [{"task": "a", "points": 30, "at": "2026-01-01T00:00:00Z"}],
                "hints": [{"task": "b", "number": 1, "at": "2026-01-01T00:00:00Z"}],
            }
        ],
    }


def merged(devlab: Devlab, tmp_path: Path, document: object) -> Said:
    file = tmp_path / "imported.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return devlab("progress", "import", file)


def test_what_was_exported_comes_back_as_it_was(devlab: Devlab, done: Path, tmp_path: Path) -> None:
    records.use_hint(workspace_of(done), "b", 1)
    before, file = records.read_all(), tmp_path / "progress.json"
    assert devlab("progress", "export", file).code == 0
    store.find_file().unlink()
    assert records.read_all() == Records()
    said = devlab("progress", "import", file)
    assert "1 workspaces of 1 labs, 1 passed tasks" in said.out
    assert records.read_all() == before
    assert devlab("progress", "export", "-").out == file.read_text()


NAMES = st.text("abcö-/ ", min_size=1, max_size=300)
KEPT_LABS = st.builds(
    LabNote,
    id=NAMES,
    version=st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.just("v" * 5000),
    title=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=2000),
    tasks=st.integers(1, 7000),
    points=st.integers(1, 1_000_000),
    skills=st.lists(NAMES, max_size=120).map(tuple),
    at=st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)
FOLDERS = st.binary(min_size=1, max_size=4095) | st.just(b"\xff" * 4095)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(
    lab=KEPT_LABS,
    folder=FOLDERS.map(
        lambda name: escape_path(Path(os.fsdecode(b"/" + name.replace(b"\0", b""))))
    ),
    passed=st.sampled_from([0, 1, 1100]),
)
def test_whatever_was_kept_can_be_exported_and_imported(
    tmp_path: Path, lab: LabNote, folder: str, passed: int
) -> None:
    store.find_file().unlink(missing_ok=True)

    def keep(database: entries.Database) -> None:
        at = entries.format_time(lab.at)
        entries.put_lab(database, lab)
        row = entries.put_workspace(database, Key(folder, lab.id, "l" * 200), at)
        entries.add_attempts(database, row, entries.read_device(database), 1)
        entries.raise_best(database, row, lab.points, lab.points)
        for number in range(passed):
            entries.put_passed(database, row, f"task-{number}", 1_000_000, at)

    store.write(keep)
    before, written = records.read_all(), records.export()
    (tmp_path / "progress.json").write_text(written, "utf-8")
    store.find_file().unlink()
    records.merge(tmp_path / "progress.json")
    assert (records.read_all(), records.export()) == (before, written)


def workspace_of(folder: Path):  # type: ignore[no-untyped-def]
    from scaffolder import workspace

    return workspace.find_workspace(folder)


def test_to_import_twice_or_one_s_own_changes_nothing(
    devlab: Devlab, done: Path, tmp_path: Path
) -> None:
    file = tmp_path / "progress.json"
    devlab("progress", "export", file)
    before = records.read_all()
    for _ in range(2):
        assert devlab("progress", "import", file).code == 0
    assert records.read_all() == before


def test_merging_keeps_the_better_and_the_earlier_in_any_order(
    devlab: Devlab, tmp_path: Path
) -> None:
    one, two = exported(), exported()
    mine, theirs = one["workspaces"][0], two["workspaces"][0]
    theirs.update(best=10, at="2026-03-03T00:00:00Z", attempts={"1" * 32: 4, "0" * 32: 2})
    theirs["passed"] = [
        {"task": "a", "points": 30, "at": "2025-06-06T00:00:00Z"},
        {"task": "b", "points": 10, "at": "2026-03-03T00:00:00Z"},
    ]
    mine["passed"].append(  # type: ignore[attr-defined]
        {"task": "b", "points": 10, "at": "2026-04-04T00:00:00Z"}
    )
    results = []
    for documents in ([one, two], [two, one], [one, two, one, one, two]):
        store.find_file().unlink(missing_ok=True)
        for document in documents:
            assert merged(devlab, tmp_path, document).code == 0
        results.append(records.read_all())
    assert results[0] == results[1] == results[2]
    (found,) = results[0].workspaces
    assert (found.attempts, found.best, found.best_of) == (7, 30, 40)
    assert {task: f"{one.at:%Y-%m}" for task, one in found.passed.items()} == {
        "a": "2025-06",
        "b": "2026-03",
    }


def test_keys_that_a_later_version_adds_are_passed_over(devlab: Devlab, tmp_path: Path) -> None:
    document = exported()
    document["workspaces"][0]["mood"] = "fine"
    assert merged(devlab, tmp_path, document).code == 0


def changed(**values: object) -> dict[str, list[dict[str, object]]]:
    document = exported()
    document["workspaces"][0].update(values)
    return document


REFUSED = {
    "not json": ("no json {", "no progress"),
    "nested": ("[" * 200_000, "no progress"),
    "nested in a key": ('{"schema": "devlab.progress/1", "x": ' + "[" * 200_000, "no progress"),
    "a list": ([], "no progress"),
    "newer": ({**exported(), "schema": "devlab.progress/2"}, "devlab.progress/2"),
    "a report": ({"schema": "devlab.report/1", "tasks": []}, "devlab.report/1"),
    "negative": (changed(best=-1), "best"),
    "huge": (changed(best=10**30), "best"),
    "no time": (changed(at="yesterday"), "at"),
    "no such day": (changed(at="2026-02-31T00:00:00Z"), "no progress"),
    "before all clocks": (changed(at="0001-01-01T00:00:00Z"), "no progress"),
    "after all clocks": (changed(at="9999-12-31T23:59:59Z"), "no progress"),
    "no device": (changed(attempts={"me": 1}), "attempts"),
    "a long name": (changed(lab="x" * 5000), "lab"),
    "many": (changed(hints=[exported()["workspaces"][0]["hints"]] * 20_000), "hints"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_believed_is_refused_and_nothing_changes(
    devlab: Devlab, done: Path, tmp_path: Path, what: str
) -> None:
    document, words = REFUSED[what]
    before = store.find_file().read_bytes()
    said = merged(devlab, tmp_path, document)
    assert said.code == 2
    assert words in said.err
    assert "should not" not in said.err
    assert store.find_file().read_bytes() == before


def test_random_damage_to_an_export_is_refused_or_merged_and_never_a_crash(
    devlab: Devlab, tmp_path: Path
) -> None:
    chance, sound = random.Random(4), json.dumps(exported())
    for _ in range(150):
        place, length = chance.randrange(len(sound)), chance.randrange(1, 9)
        junk = "".join(chr(chance.choice([0, 34, 44, 48, 93, 125, 0x20AC])) for _ in range(length))
        said = merged(devlab, tmp_path, sound[:place] + junk + sound[place + length :])
        assert said.code in (0, 2)
        assert "should not" not in said.err


def test_a_file_that_is_none_is_refused(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in (
        ("pipe", "not a regular file"),
        ("missing", "is missing"),
        (".", "regular"),
    ):
        said = devlab("progress", "import", tmp_path / name)
        assert said.code == 2
        assert words in said.err
    monkeypatch.setattr(exchange, "SIZE_LIMIT", 100)
    assert "at most 100 are read" in merged(devlab, tmp_path, exported()).err


def test_where_nothing_can_be_written_an_import_fails_and_a_check_does_not(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("no folder")
    catalog.lab(task("a"))
    devlab("new", "tested", tmp_path / "work", "--no-input")
    said = devlab("check", tmp_path / "work")
    assert said.code == 0
    assert "10 of 10 points" in said.out
    assert said.err.count("note: your progress") == 1
    said = merged(devlab, tmp_path, exported())
    assert said.code == 2
    assert "cannot be used" in said.err
    assert devlab("next").code == devlab("list").code == devlab("progress").code == 0


def test_the_commands_complete(devlab: Devlab, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import ShellComplete

    from scaffolder.cli import cli

    complete = ShellComplete(cli, {}, "devlab", "_DEVLAB_COMPLETE")

    def offered(*typed: str) -> set[str]:
        return {item.value for item in complete.get_completions(list(typed[:-1]), typed[-1])}

    assert {"list", "next", "progress"} <= offered("")
    assert offered("progress", "") == {"export", "forget", "import"}
    assert offered("progress", "--format", "") == {"text", "html", "svg", "json"}


def test_what_was_done_in_a_lab_can_be_forgotten(
    devlab: Devlab, done: Path, tmp_path: Path
) -> None:
    assert devlab("hint", cwd=done).code == 0
    devlab("new", "another", tmp_path / "other", "--no-input")
    devlab("check", tmp_path / "other")
    said = devlab("progress", "forget", "tested", "--yes", "--format", "json")
    assert said.code == 0
    told = json.loads(said.out)
    assert told.pop("attempts") >= 1
    assert told == {
        "schema": "devlab.forgotten/1",
        "lab": "tested",
        "workspaces": 1,
        "passed": 1,
        "hints": 1,
    }
    assert {one.key.lab for one in records.read_all().workspaces} == {"another"}
    assert "tested" not in json.loads(devlab("progress", "export", "-").out)["labs"]
    assert devlab("check", done).code == 1
    assert standing(devlab)["containers"]["gained"] == 30


def test_what_is_not_kept_cannot_be_forgotten(devlab: Devlab, done: Path) -> None:
    for consent in (["--yes"], []):
        said = devlab("progress", "forget", "teste", *consent)
        assert said.code == 2
        assert "nothing is kept of 'teste'" in said.err
        assert "kept: tested" in said.err


def test_nothing_is_forgotten_where_nobody_can_be_asked(devlab: Devlab, done: Path) -> None:
    said = devlab("progress", "forget", "tested")
    assert said.code == 2
    assert "--yes" in said.err
    assert standing(devlab)["containers"]["gained"] == 30


@pytest.mark.parametrize("state", ["start", "solution"])
def test_what_is_done_in_a_rendered_state_is_no_progress(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, state: str
) -> None:
    catalog.lab(task("a") + task("b", "fail"))
    rendered = tmp_path / "rendered"
    assert devlab("lab", "render", "tested", rendered, "--state", state).code == 0
    assert devlab("check", rendered).code == 1
    first = devlab("hint", cwd=rendered).out
    assert records.read_all().workspaces == ()
    assert devlab("hint", cwd=rendered).out != first
    assert json.loads(devlab("progress", "--format", "json").out)["points"]["gained"] == 0
