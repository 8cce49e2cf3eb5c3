"""Notes on a lab's answers: how they are read, linted, and shown by `devlab solution`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.core.errors import LabFileError
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs import generate
from scaffolder.labs.notes import Note, find_places, read_notes
from scaffolder.proving.digest import digest_lab
from scaffolder.proving.lint import lint_lab
from tests.support.command import Devlab
from tests.support.labs import Catalog, task

pytestmark = pytest.mark.usefixtures("own_home")

LABS = [lab_id for lab_id in real_catalog.list_lab_ids() if "/" not in lab_id]
NOTES = """\
# Why

About the
whole of it.

## greeting

A file of greetings.

> hello from

It says so
to everybody.

Twice.

> bye
> now

Both lines.

## alternatives/loud

Louder than the other.
"""


@pytest.fixture
def lab(catalog: Catalog) -> Path:
    holds = task("a").replace("test.ends, outcome: pass", "test.holds, path: greeting, text: hello")
    folder = catalog.lab(holds + task("b", "fail"))
    (folder / "solution" / "greeting.jinja").write_text(
        "# greetings\nhello from {{ cookiecutter.name }}\x1b[31m\nbye\n  now\n"
    )
    (folder / "alternatives" / "loud").mkdir(parents=True)
    (folder / "alternatives" / "loud" / "greeting").write_text("HELLO hello\n")
    (folder / "notes.md").write_text(NOTES)
    return folder


@pytest.fixture
def work(devlab: Devlab, lab: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input", "--set", "name=my-own").code == 0
    return folder


def told_of(lab: Path) -> list[tuple[str, int | None]]:
    return [(one.message, one.line) for one in lint_lab(lab) if one.path == "notes.md"]


def test_the_answer_is_shown_with_a_word_on_each_part(devlab: Devlab, work: Path) -> None:
    said = devlab("solution", "--annotated", "--give-up", cwd=work)
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        "About the whole of it.",
        "",
        "greeting",
        "  A file of greetings.",
        "1 │ # greetings",
        "",
        "    It says so to everybody.",
        "    Twice.",
        "2 │ hello from my-own\\x1b[31m",
        "",
        "    Both lines.",
        "3 │ bye",
        "4 │   now",
        "",
    ]


def test_programs_get_json(devlab: Devlab, work: Path) -> None:
    said = devlab("solution", "--annotated", "--give-up", "--format", "json", cwd=work)
    document = json.loads(said.out)
    assert document["schema"] == "devlab.annotated/1"
    (file,) = document["files"]
    assert [one["line"] for one in file["notes"]] == [2, 3]
    assert file["lines"][1] == "hello from my-own\x1b[31m"
    said = devlab("solution", "--other", "--give-up", "--format", "json", cwd=work)
    (other,) = json.loads(said.out)["alternatives"]
    assert other == {"name": "loud", "about": "Louder than the other."}


def test_other_answers_are_named_and_compared_with_yours(devlab: Devlab, work: Path) -> None:
    named = devlab("solution", "--other", "--give-up", cwd=work)
    assert "loud\n    Louder than the other.\n" in named.out
    said = devlab("solution", "--other", "loud", "--give-up", cwd=work)
    assert "+HELLO hello\n" in said.out
    subprocess.run(["git", "apply"], cwd=work, input=said.out, text=True, check=True)
    assert (work / "greeting").read_text() == "HELLO hello\n"
    document = json.loads(
        devlab("solution", "--other", "loud", "--give-up", "--format", "json", cwd=work).out
    )
    assert document["other"] == "loud"
    assert document["files"] == []


@pytest.mark.parametrize("options", [("--annotated",), ("--other",), ("--other", "loud")])
def test_they_are_for_who_has_passed_or_gives_up(
    devlab: Devlab, work: Path, options: tuple[str, ...]
) -> None:
    said = devlab("solution", "a", *options, cwd=work)
    assert said.code == 1
    assert said.out == ""
    again = " ".join(["devlab solution a", *options, "--give-up"])
    assert again in said.err
    (work / "greeting").write_text("hello\n")
    assert devlab("solution", "a", *options, cwd=work).code == 0


def test_wrong_usage(devlab: Devlab, work: Path) -> None:
    said = devlab("solution", "--other", "lout", "--give-up", cwd=work)
    assert (said.code, "did you mean 'loud'" in said.err) == (2, True)
    assert devlab("solution", "--annotated", "--other", "--give-up", cwd=work).code == 2


def test_a_lab_without_notes_shows_its_answer_all_the_same(
    devlab: Devlab, work: Path, lab: Path
) -> None:
    (lab / "notes.md").unlink()
    said = devlab("solution", "--annotated", "--give-up", cwd=work)
    assert "3 │ bye" in said.out
    assert "says nothing about its answer" in said.err
    assert told_of(lab) == []


def test_of_a_task_those_files_are_shown_that_its_checks_read(
    devlab: Devlab, tmp_path: Path
) -> None:
    work = tmp_path / "real"
    assert devlab("new", "containerize-flask", work, "--no-input").code == 0
    arguments = ("--annotated", "--give-up", "--format", "json")
    said = devlab("solution", "dockerfile-is-clean", *arguments, cwd=work)
    assert [one["path"] for one in json.loads(said.out)["files"]] == ["Dockerfile"]
    whole = json.loads(devlab("solution", *arguments, cwd=work).out)
    assert [one["path"] for one in whole["files"]] == ["Dockerfile", ".dockerignore"]


@pytest.mark.parametrize("lab_id", LABS)
def test_our_labs_say_something_of_each_part(devlab: Devlab, tmp_path: Path, lab_id: str) -> None:
    work = tmp_path / "work"
    assert devlab("new", lab_id, work, "--no-input", "--learner", "ada").code == 0
    said = devlab("solution", "--annotated", "--give-up", "--format", "json", cwd=work)
    document = json.loads(said.out)
    assert document["about"]
    for file in document["files"]:
        assert file["about"] or file["notes"], file["path"]
        noted = [note["line"] for note in file["notes"]]
        assert noted == sorted(set(noted))
    assert sum(len(file["notes"]) for file in document["files"]) >= 8
    lab = real_catalog.load_lab(lab_id, graded=False)
    sections = read_notes(lab.root).sections
    assert {f"alternatives/{one}" for one in generate.list_alternatives(lab)} <= sections.keys()


@pytest.mark.parametrize(
    ("old", "new", "words", "line"),
    [
        ("## greeting", "## greting", "there is no file of the solution 'greting'", 6),
        ("alternatives/loud", "alternatives/lout", "no alternative 'alternatives/lout'", 22),
        ("## alternatives/loud\n\nLouder", "Louder", "nothing is said of alternatives/loud", None),
        ("> hello from", "> hello to", "'hello to' stands 0 times in greeting, not once", 10),
        ("> hello from", "> e", "'e' stands 3 times in greeting, not once", 10),
        ("> now", "> later", "'bye' stands 0 times", 17),
        ("Both lines.\n", "", "nothing is said of what is quoted", 17),
        ("\nLouder than the other.", "", "nothing is said of alternatives/loud", 22),
        ("Louder", "> quoted\n\nLouder", "a quote belongs below the heading of a file", 24),
        ("About the", "> quoted\n\nAbout the", "a quote belongs below the heading", 3),
        ("> bye", ">", "an empty line cannot be quoted", 17),
        ("## alternatives/loud", "## greeting", "greeting has a section already, on line 6", 22),
    ],
)
def test_lint_finds_notes_that_say_nothing_or_nothing_of_what_is_there(
    lab: Path, old: str, new: str, words: str, line: int | None
) -> None:
    assert told_of(lab) == []
    assert old in NOTES
    (lab / "notes.md").write_text(NOTES.replace(old, new))
    found = told_of(lab)
    assert [at for message, at in found if words in message] == [line], found


def test_lint_finds_a_quote_that_a_variable_changes(lab: Path) -> None:
    with (lab / "solution" / "greeting.jinja").open("a") as file:
        file.write("a {{ cookiecutter.size }} one\n")
    (lab / "notes.md").write_text(NOTES.replace("> hello from", "> a small one"))
    assert told_of(lab) == [("'a small one' stands 0 times in greeting, not once", 10)]


def test_notes_that_are_no_text_are_refused(lab: Path) -> None:
    (lab / "notes.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabFileError):
        read_notes(lab)
    assert [one.path for one in lint_lab(lab) if "notes.md" in one.path]


def test_what_a_lab_says_of_its_answer_is_no_other_lab(lab: Path) -> None:
    found = real_catalog.load_lab("tested")
    before = digest_lab(lab, found)
    (lab / "notes.md").write_text(NOTES.replace("Louder", "More loudly"))
    assert digest_lab(lab, found) == before


LINE = st.text(alphabet="ab #", max_size=4)


@given(st.lists(LINE, max_size=8), st.lists(LINE.filter(str.strip), min_size=1, max_size=3))
def test_a_quote_is_found_wherever_it_stands(lines: list[str], quote: list[str]) -> None:
    note = Note(tuple(one.strip() for one in quote), 1)
    text = [*lines, *quote, *lines]
    found = find_places(note, text)
    assert len(lines) + 1 in found
    for place in found:
        there = text[place - 1 : place - 1 + len(quote)]
        assert all(part in line for part, line in zip(note.quote, there, strict=True))
