"""A broken lab is refused with the file, the line and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.core.errors import DevlabError
from scaffolder.labs.answers import read_wrong_answers
from scaffolder.labs.lab_file import read_lab
from scaffolder.labs.needs import find_cycle
from scaffolder.proving import digest
from tests.support.labs import HEAD, Catalog, task

# HEAD is 8 lines and `tasks:` one, so the first task's id stands on line 10.
BROKEN = [
    (
        "unknown key",
        task("a") + "    pionts: 3\n",
        17,
        "unknown key 'pionts'; did you mean 'points'",
    ),
    ("kind", task("a").replace("test.ends", "test.end"), 16, "did you mean 'test.ends'"),
    ("parameter", task("a").replace("outcome:", "outcom:"), 16, "did you mean 'outcome'"),
    ("needs", task("aaa") + task("b", needs="aab"), 20, "unknown task 'aab'; did you mean 'aaa'"),
    ("task twice", task("a") + task("a"), 17, "duplicate task id 'a'; it stands on line 10"),
    (
        "check twice",
        task("a") + task("b").replace("b-check", "a-check"),
        23,
        "duplicate check id 'a-check'; it stands on line 16",
    ),
    ("cycle", task("a", needs="b") + task("b", needs="a"), 13, "a -> b -> a"),
    ("own cycle", task("a", needs="a"), 13, "a -> a"),
    ("no points", task("a", points=0), 12, "points"),
    ("bad id", task("A_b"), 10, "tasks.id"),
    ("fault", task("a").replace("pass}", "pass, fault: gone}"), 16, "unknown fault 'gone'"),
    ("no checks", task("a").split("    checks:")[0] + "    checks: []\n", 15, "checks"),
    ("not YAML", "  - id: [a\n", 11, "not valid YAML"),
    ("key twice", task("a") + "    points: 3\n", 17, "stands twice"),
    ("timeout", task("a").replace("outcome", "timeout: soon, outcome"), 16, "timeout"),
]


@pytest.mark.parametrize(
    ("tasks", "line", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_an_error_names_file_and_line(catalog: Catalog, tasks: str, line: int, words: str) -> None:
    folder = catalog.lab(tasks)
    with pytest.raises(DevlabError) as caught:
        read_lab(folder)
    assert f"{folder / 'lab.yaml'}:{line}: " in caught.value.message
    assert words in caught.value.message


def test_a_missing_key_is_named(catalog: Catalog) -> None:
    folder = catalog.lab(task("a"), head=HEAD.replace("minutes: 1\n", ""))
    with pytest.raises(DevlabError, match=r"lab\.yaml:1: .*minutes"):
        read_lab(folder)


@pytest.mark.parametrize("version", ["", "1" * 201])
def test_a_version_says_something_and_is_short(catalog: Catalog, version: str) -> None:
    folder = catalog.lab(task("a"), head=HEAD.replace('version: "1"', f'version: "{version}"'))
    with pytest.raises(DevlabError, match=r"lab\.yaml:1: version: "):
        read_lab(folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [("solutoin", "did you mean 'solution'"), ("notes.txt", "not a part of a lab")],
)
def test_an_unknown_file_is_named(catalog: Catalog, name: str, words: str) -> None:
    folder = catalog.lab(task("a"))
    (folder / name).touch()
    with pytest.raises(DevlabError) as caught:
        read_lab(folder)
    assert name in caught.value.message
    assert words in caught.value.message


def test_a_missing_file_is_named(catalog: Catalog) -> None:
    folder = catalog.lab(task("a"))
    (folder / "instructions.md").unlink()
    with pytest.raises(DevlabError, match=r"instructions\.md: is missing"):
        read_lab(folder)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- {id: m, title: t, fails: [a-chek], change: {}}\n", 2, "did you mean 'a-check'"),
        ("- {id: m, title: t, fails: [], change: {}}\n", 2, "at least one check"),
        ("- {id: m, title: t, fails: [a-check], chnage: {}}\n", 2, "did you mean 'change'"),
        (
            "- {id: m, title: t, fails: [a-check], change: {}}\n"
            "- {id: m, title: t, fails: [a-check], change: {}}\n",
            3,
            "duplicate mistake id 'm'",
        ),
    ],
)
def test_a_broken_mistake_names_file_and_line(
    catalog: Catalog, text: str, line: int, words: str
) -> None:
    folder = catalog.lab(task("a"))
    (folder / "mistakes.yaml").write_text("mistakes:\n" + text)
    with pytest.raises(DevlabError) as caught:
        read_wrong_answers(read_lab(folder))
    assert f"mistakes.yaml:{line}: " in caught.value.message
    assert words in caught.value.message


def with_sessions(block: str, *checks: str) -> str:
    """Return the YAML of a lab whose one task has these checks, with sessions behind it.

    The checks stand from line 16 on, the sessions begin two lines after the last.
    """
    text = task("a")
    listed = "".join(f"      - {{{check}}}\n" for check in checks)
    return f"{text.rpartition('      - ')[0]}{listed}sessions:\n{block}"


A = "id: a, kind: test.ends"
B = "id: b, kind: test.reads"


@pytest.mark.parametrize(
    ("tasks", "line", "words"),
    [
        (
            with_sessions("  one: {outcome: pass}\n", f"{A}, session: onn"),
            16,
            "unknown session 'onn'; did you mean 'one'",
        ),
        (with_sessions("  {}\n", f"{A}, session: one"), 16, "unknown session 'one'"),
        (task("a").replace("outcome: pass", "session: [one]"), 16, "unknown session"),
        (
            with_sessions("  one: {outcome: pass}\n", f"{A}, outcome: fail"),
            18,
            "no check names the session 'one'",
        ),
        (
            with_sessions("  one:\n    outcom: pass\n", f"{A}, session: one"),
            19,
            "unknown parameter 'outcom'; did you mean 'outcome'",
        ),
        (
            with_sessions("  one: {outcome: pass}\n", f"{A}, session: one, outcome: pass"),
            16,
            "'outcome' is given twice: here and in the session 'one'",
        ),
        (
            with_sessions(
                "  one: {outcome: pass}\n", f"{A}, session: one", f"{B}, path: x, session: one"
            ),
            17,
            "test.reads has no parameter that the session 'one' gives",
        ),
        (
            with_sessions("  one:\n    message: {}\n    outcome: pass\n", f"{A}, session: one"),
            19,
            "message: Expected `str`",
        ),
        (with_sessions("  one: pass\n", f"{A}, session: one"), 18, "Expected `object`"),
        (
            with_sessions("  One: {outcome: pass}\n", f"{A}, session: One"),
            17,
            "sessions",
        ),
        (
            with_sessions("  one: {outcome: pass}\n", "id: a, kind: test.end, session: one"),
            16,
            "unknown check kind 'test.end'; did you mean 'test.ends'",
        ),
    ],
)
def test_a_wrong_session_is_named_with_its_line(
    catalog: Catalog, tasks: str, line: int, words: str
) -> None:
    folder = catalog.lab(tasks)
    with pytest.raises(DevlabError) as caught:
        read_lab(folder)
    assert words in caught.value.message
    assert f"{folder / 'lab.yaml'}:{line}: " in caught.value.message


SHORT = with_sessions(
    '  one:\n    outcome: pass\n    message: "at {{ place }}"\n    path: app.py\n',
    f"{A}, session: one",
    f"{B}, session: one, timeout: 5",
)
LONG = with_sessions(
    "",
    f'{A}, outcome: pass, message: "at {{{{ place }}}}"',
    f"{B}, path: app.py, timeout: 5",
).removesuffix("sessions:\n")
PLACE = "vary:\n  variables:\n    place: {default: home, words: [[here, there]]}\n"
LEARNERS = "  checks:\n    a:\n      - {id: c, kind: test.reads, %s}\n"


@pytest.mark.parametrize("learner", ["", "ada"])
def test_a_session_is_the_long_form_said_once(catalog: Catalog, learner: str) -> None:
    short = SHORT + PLACE + LEARNERS % "session: one"
    long = LONG + PLACE + LEARNERS % "path: app.py"
    folder = catalog.lab(short)
    labs = [read_lab(folder, learner=learner)]
    read_lab(folder, graded=False)
    (folder / "lab.yaml").write_text(f"{HEAD}tasks:\n{long}")
    labs.append(read_lab(folder, learner=learner))
    checks = [[task.checks for task in lab.tasks] for lab in labs]
    assert checks[0] == checks[1]
    assert len(checks[0][0]) == (3 if learner else 2)
    assert digest.encode_lab(labs[0]) == digest.encode_lab(labs[1]), (
        "a proof of the one is the other's"
    )


def test_a_sound_lab_is_read(catalog: Catalog) -> None:
    folder = catalog.lab(task("a", points=30) + task("b", points=70, needs="a"))
    lab = read_lab(folder)
    assert (lab.id, lab.points, lab.task("b").needs) == ("tested", 100, ("a",))
    assert lab.task("a").checks[0].timeout == 120


_names = st.sampled_from("abcdef")


@given(st.dictionaries(_names, st.lists(_names, max_size=3).map(tuple), max_size=6), _names)
def test_a_cycle_is_found_exactly_where_there_is_one(
    needs: dict[str, tuple[str, ...]], start: str
) -> None:
    reachable: set[str] = set()
    frontier = {start}
    while frontier:
        frontier = {needed for name in frontier for needed in needs.get(name, ())} - reachable
        reachable |= frontier
    cycle = find_cycle(needs, start)
    assert bool(cycle) == (start in reachable)
    assert all(after in needs[before] for before, after in zip(cycle, cycle[1:], strict=False))


def test_every_shipped_lab_reads(tmp_path: Path) -> None:
    from scaffolder.labs import catalog as real

    for lab in real.load_labs():
        assert lab.points == 100
        assert len(read_wrong_answers(lab).mistakes) >= 2 * len(lab.tasks)
        assert all(len(one.hints) >= 2 for one in lab.tasks)
