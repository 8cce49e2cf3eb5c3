"""`devlab lab lint` on the test files that a lab brings: a broken one is named, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffolder.labs import catalog
from scaffolder.proving.lint import lint_lab
from tests.support.labs import HEAD, Catalog

LAB = """\
  - id: a
    title: A
    points: 10
    checks:
      - id: first
        kind: pytest
        file: {file}
"""
SOUND = {
    "tests/test_it.py": "import words\n\ndef test_it(workspace, seven, tmp_path):\n    pass\n",
    "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef seven(variables): return 7\n",
    "tests/words.py": "WORD = 1\n",
}
# name: what is written where, and the file, line and words that are told.
BROKEN = {
    "unknown fixture": (
        ("tests/test_it.py", "\n\ndef test_it(\n    contaner,\n):\n    pass\n"),
        ("tests/test_it.py", 3, "unknown fixture 'contaner'; did you mean 'container'?"),
    ),
    "unknown fixture of a fixture": (
        ("tests/conftest.py", "import pytest\n@pytest.fixture\ndef seven(imag): return 7\n"),
        ("tests/conftest.py", 2, "unknown fixture 'imag'; did you mean 'image'?"),
    ),
    "a near name of the author's own": (
        ("tests/test_it.py", "def test_it(seven): pass\ndef test_more(sevn): pass\n"),
        ("tests/test_it.py", 2, "unknown fixture 'sevn'; did you mean 'seven'?"),
    ),
    "syntax": (
        ("tests/test_it.py", "def test_it():\n    x =\n"),
        ("tests/test_it.py", 2, "SyntaxError: invalid syntax"),
    ),
    "syntax of a module": (
        ("tests/words.py", "WORD = (\n"),
        ("tests/words.py", 1, "SyntaxError: '(' was never closed"),
    ),
    "import": (
        ("tests/test_it.py", "import os\nimport nowhere\n\ndef test_it(): pass\n"),
        ("tests/test_it.py", 2, "ModuleNotFoundError: No module named 'nowhere'"),
    ),
    "import of a module": (
        ("tests/words.py", "\n\nimport nowhere\n"),
        ("tests/words.py", 3, "ModuleNotFoundError: No module named 'nowhere'"),
    ),
    "conftest": (
        ("tests/conftest.py", "\nraise RuntimeError('not here')\n"),
        ("tests/conftest.py", 2, "RuntimeError: not here"),
    ),
    "no test": (
        ("tests/test_it.py", "def tset_it(): pass\n"),
        ("tests/test_it.py", None, "no test"),
    ),
    "it prints and leaves": (
        ("tests/test_it.py", "import os\nprint('{}')\nos._exit(0)\n"),
        ("tests/test_it.py", None, "cannot be collected"),
    ),
}


def write_lab(catalog: Catalog, *, file: str = "tests/test_it.py", more: str = "") -> Path:
    folder = catalog.lab(LAB.format(file=file) + more, head=HEAD)
    (folder / "tests").mkdir()
    for path, text in SOUND.items():
        (folder / path).write_text(text)
    return folder


def list_problems(folder: Path) -> list[tuple[str, int | None, str]]:
    found = [(one.path, one.line, one.message) for one in lint_lab(folder)]
    return [one for one in found if one[0].startswith("tests/") or "test" in one[2]]


def test_a_sound_file_has_no_problem(catalog: Catalog) -> None:
    assert list_problems(write_lab(catalog)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named(catalog: Catalog, name: str) -> None:
    folder = write_lab(catalog)
    (path, text), told = BROKEN[name]
    (folder / path).write_text(text)
    (found,) = list_problems(folder)
    assert found[:2] == told[:2]
    assert told[2] in found[2]


def test_one_broken_file_hides_no_other(catalog: Catalog) -> None:
    second = "      - {id: second, kind: pytest, file: tests/more/test_it.py}\n"
    folder = write_lab(catalog, more=second)
    (folder / "tests" / "more").mkdir()
    # Of the same name, which pytest does not take in one run.
    (folder / "tests" / "more" / "test_it.py").write_text("import nowhere\n")
    (folder / "tests" / "test_it.py").write_text("def test_it(contaner): pass\n")
    assert [one[:2] for one in list_problems(folder)] == [
        ("tests/more/test_it.py", 1),
        ("tests/test_it.py", 1),
    ]


def test_one_test_of_a_file_is_known(catalog: Catalog) -> None:
    folder = write_lab(catalog, file="tests/test_it.py::test_id")
    (found,) = list_problems(folder)
    line = HEAD.count("\n") + 8
    words = "tests/test_it.py has no test 'test_id'; did you mean 'test_it'?"
    assert found == ("lab.yaml", line, words)


def test_parameters_for_a_fixture_that_nobody_asks_for(catalog: Catalog) -> None:
    given = "        fixtures: {container: {port_variable: P}, image: {dockerfile: D}}\n"
    folder = write_lab(catalog, more=given)
    test_file = folder / "tests" / "test_it.py"
    test_file.write_text("def test_it(image): pass\n")
    words = "no test of tests/test_it.py asks for the fixture 'container', which is given"
    (found,) = list_problems(folder)
    assert found[:2] == ("lab.yaml", HEAD.count("\n") + 9)
    assert words in found[2]
    # By a fixture of the author's, and by a name that shows when the test runs.
    for text in (
        "import pytest\n@pytest.fixture\ndef own(container): pass\ndef test_it(image, own): pass\n",
        "def test_it(image, request): request.getfixturevalue('container')\n",
    ):
        test_file.write_text(text)
        assert list_problems(folder) == []


def test_code_of_a_pack_that_is_not_trusted_does_not_run(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, mark = write_lab(catalog), tmp_path / "ran"
    (folder / "tests" / "test_it.py").write_text(f"open({str(mark)!r}, 'w')\nimport nowhere\n")

    class Untrusted:
        trusted = False

        def require_unchanged(self) -> None: ...

    monkeypatch.setattr(_CATALOG, "find_pack_around", lambda _: Untrusted())
    assert list_problems(folder) == []
    assert not mark.exists()
    (folder / "tests" / "test_it.py").write_text("def test_it(:\n")
    assert [one[:2] for one in list_problems(folder)] == [("tests/test_it.py", 1)]


_CATALOG = catalog
