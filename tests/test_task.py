"""`devlab task`: the part of the instructions that is about one task; and a bare `devlab`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.labs import catalog as real_catalog
from scaffolder.labs.instructions import TASKS_MARKER, list_parts, read_task_instructions
from scaffolder.proving.lint import lint_lab
from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog, task

pytestmark = pytest.mark.usefixtures("own_home")

LABS = [lab_id for lab_id in real_catalog.list_lab_ids() if "/" not in lab_id]
INSTRUCTIONS = f"""\
# Do it

{TASKS_MARKER}

About everything, also `first`.

## 1. The first (`first`)

Begin \x1b[31mhere.

```console
$ ## no heading (`second`)
```

### More of it

And so on.

## The other two (`second`, `third`)

Both at once.

## Afterwards

**first.** is not begun again here: no part, because it has one.
"""


@pytest.fixture
def work(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    lab = catalog.lab(task("first") + task("second", "fail", needs="first") + task("third"))
    text = INSTRUCTIONS.replace("**first.** is", "It is")
    (lab / "instructions.md").write_text(text)
    assert devlab("new", "tested", tmp_path / "work", "--no-input").code == 0
    return tmp_path / "work"


def test_a_task_has_its_part_and_nothing_of_the_others(devlab: Devlab, work: Path) -> None:
    said = devlab("task", "first", cwd=work)
    assert said.code == 0
    for words in ("first: The task first", "10 points; not checked yet", "Begin", "And so on."):
        assert words in said.out
    assert "no heading" in said.out
    for words in ("About everything", "Both at once", "It is not begun", "\x1b"):
        assert words not in said.out
    assert "devlab check --task first" in said.out
    assert devlab("task", "second", cwd=work).out.count("Both at once.") == 1


def test_without_a_name_it_is_the_first_that_does_not_pass(devlab: Devlab, work: Path) -> None:
    assert devlab("task", cwd=work).out.startswith("first: ")
    devlab("check", work)
    said = devlab("task", cwd=work).out
    assert said.startswith("second: ")
    assert "needs first; did not pass when last checked" in said
    assert "passed when it was last checked" in devlab("task", "first", cwd=work).out


def test_programs_get_json(devlab: Devlab, work: Path) -> None:
    document = json.loads(devlab("task", "second", "--format", "json", cwd=work).out)
    assert document["schema"] == "devlab.task/1"
    assert document["task"]["needs"] == ["first"]
    assert document["passed"] is None
    assert document["instructions"] == "Both at once.\n"


def test_an_unknown_task_has_a_neighbour(devlab: Devlab, work: Path, tmp_path: Path) -> None:
    said = devlab("task", "secnd", cwd=work)
    assert (said.code, "did you mean 'second'" in said.err) == (2, True)
    assert devlab("task", cwd=tmp_path).code == 2


def test_instructions_without_parts_are_shown_whole(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    lab = catalog.lab(task("a"))
    (lab / "instructions.md").write_text(f"# Do it\n\n{TASKS_MARKER}\n\nAll of it.\n")
    devlab("new", "tested", tmp_path / "w", "--no-input")
    said = devlab("task", "a", cwd=tmp_path / "w").out
    assert "All of it." in said
    assert TASKS_MARKER not in said


@pytest.mark.parametrize("lab_id", LABS)
def test_what_only_a_learner_is_asked_for_stands_with_its_task(lab_id: str) -> None:
    lab = real_catalog.load_lab(lab_id, graded=False, learner="ada")
    for name in lab.variation.checks:
        told = read_task_instructions(lab, name)
        values = [value for value in lab.values.values() if value in told]
        assert values, f"{lab_id}: {name}"
        everybody = real_catalog.load_lab(lab_id, graded=False)
        assert told.startswith(read_task_instructions(everybody, name).split("\n")[0])


@pytest.mark.parametrize("lab_id", LABS)
def test_every_task_of_our_labs_has_its_part(lab_id: str) -> None:
    lab = real_catalog.load_lab(lab_id, graded=False)
    whole = (lab.root / "instructions.md").read_text()
    for one in lab.tasks:
        part = read_task_instructions(lab, one.id)
        assert 20 < len(part.split()) < len(whole.split()) / 2, one.id
        assert TASKS_MARKER not in part


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("(`second`, `third`)", "(`second`)", "'third' is not named"),
        ("## 1. The first (`first`)", "The `first`", "'first' has 0 parts"),
        ("## Afterwards", "## Again (`first`)", "'first' has 2 parts"),
        ("Both at once.\n", "", "the part of task 'second' says nothing"),
    ],
)
def test_lint_wants_a_part_for_every_task(catalog: Catalog, old: str, new: str, words: str) -> None:
    lab = catalog.lab(task("first") + task("second") + task("third"))
    assert old in INSTRUCTIONS
    text = INSTRUCTIONS.replace("**first.** is", "It is")
    (lab / "instructions.md").write_text(text)
    assert not [one for one in lint_lab(lab) if "part" in one.message]
    (lab / "instructions.md").write_text(text.replace(old, new))
    assert [one for one in lint_lab(lab) if words in one.message]


def test_lint_wants_the_words_for_learners_to_name_their_task(catalog: Catalog) -> None:
    vary = (
        "vary:\n  variables:\n    word: {default: x, token: 9}\n  instructions: Say {{ word }}.\n"
        "  checks:\n    a:\n      - {id: says, kind: test.ends, outcome: pass}\n"
    )
    lab = catalog.lab(task("a"), head=HEAD + vary)
    problems = [one for one in lint_lab(lab) if "no paragraph" in one.message]
    assert [one.line for one in problems] == [14]
    head = (HEAD + vary).replace("Say {{ word }}.", "Say {{ word }} (`a`).")
    (lab / "lab.yaml").write_text(f"{head}tasks:\n{task('a')}")
    assert not [one for one in lint_lab(lab) if "no paragraph" in one.message]


def test_a_bold_id_begins_a_part_and_a_bold_word_does_not() -> None:
    text = "**one.** First.\n**Note.** Still.\n\n**`two`**: Second.\n\n## Other\n\nNone.\n"
    parts = list_parts(text, ["one", "two"])
    assert [(part.tasks, part.text, part.line) for part in parts] == [
        (("one",), "First.\n**Note.** Still.\n", 1),
        (("two",), "Second.\n", 4),
    ]


@given(
    st.lists(
        st.sampled_from(
            ["# x", "## `a`", "### `b`", "**a.** x", "**b**", "```", "~~~~", "text", "", "`a`"]
        )
    )
)
def test_parts_hold_every_line_at_most_once_and_in_order(lines: list[str]) -> None:
    numbered = [f"{line} {number}" if line == "text" else line for number, line in enumerate(lines)]
    parts = list_parts("\n".join(numbered), ["a", "b"])
    told = [line for part in parts for line in part.text.split("\n") if line.startswith("text")]
    written = [line for line in numbered if line.startswith("text")]
    assert [line for line in written if line in told] == told
    assert all(part.tasks for part in parts)
    assert [part.line for part in parts] == sorted({part.line for part in parts})


def test_a_bare_devlab_says_how_to_begin(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task("a"))
    said = devlab(cwd=tmp_path)
    assert said.code == 0
    assert "Nothing is begun yet." in said.out
    assert "\n  devlab new tested\n" in said.out
    assert "devlab --help" in said.out


def test_a_bare_devlab_speaks_of_the_workspace_here_and_grades_nothing(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = devlab(cwd=work).out
    assert "not checked yet: 3 tasks, 30 points" in fresh
    assert "next: first: The task first (10 points)" in fresh
    devlab("check", work)
    monkeypatch.setattr("scaffolder.grading.grader.grade", None)
    said = devlab(cwd=work)
    assert said.code == 0
    assert "20 of 30 points when it was last checked: 2 of 3 tasks passed" in said.out
    for command in ("devlab task second", "devlab check --task second", "devlab hint second"):
        assert command in said.out


def test_a_bare_devlab_elsewhere_tells_what_was_done_and_what_comes_next(
    devlab: Devlab, work: Path, tmp_path: Path
) -> None:
    devlab("check", work)
    said = devlab(cwd=tmp_path)
    assert said.code == 0
    assert "20 of 30 points, 0 of 1 lab done" in said.out
    assert "~ tested: 20 of 30 points" in said.out
    assert "devlab check --task second" in said.out


def test_a_bare_devlab_in_finished_work_shows_what_comes_next(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    finish = "finish: {proved: You did., at_work: There.}\n"
    catalog.lab(task("a"), head=HEAD + finish)
    catalog.lab(task("a"), name="another", head=HEAD.replace("beginner", "advanced"))
    devlab("new", "tested", tmp_path / "w", "--no-input")
    devlab("check", tmp_path / "w")
    said = devlab(cwd=tmp_path / "w").out
    assert "What you proved: You did." in said
    assert "cd .. && devlab new another" in said


@pytest.mark.parametrize("columns", ["40", "100"])
def test_a_bare_devlab_fits_and_commands_stay_whole(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = devlab(cwd=work).out.splitlines()
    assert "  devlab check --task first" in [line[:27] for line in lines]
    assert max(map(len, lines)) <= int(columns)


def test_a_broken_workspace_is_told(devlab: Devlab, work: Path) -> None:
    (work / ".devlab" / "manifest.json").write_text("{")
    said = devlab(cwd=work)
    assert said.code == 2
    assert "not a devlab manifest" in said.err


def test_help_has_the_learners_commands_first(devlab: Devlab) -> None:
    said = devlab("--help").out
    learners, _, authors = said.partition("For authors of labs:")
    named = [line.split()[0] for line in authors.split("\n\n")[0].splitlines() if line.strip()]
    assert named == ["lab", "pack"]
    assert "  task " in learners
    assert "\n  lab " not in learners
