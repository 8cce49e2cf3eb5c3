"""A new family needs one line, and is in everything that devlab derives from families."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from scaffolder import workspace
from scaffolder.checks import families
from scaffolder.checks.families import FAMILIES, find_fixtures, list_tools
from scaffolder.checks.family import Family
from scaffolder.checks.pytest.kind import SHORT_FORMS, Pytest
from scaffolder.checks.serving import FixtureService
from scaffolder.core.errors import DevlabError
from scaffolder.core.loading import load_place
from scaffolder.grading.cache.code import find_owner
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs.generate import build_state
from scaffolder.model import Outcome, Report
from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog
from tests.support.toy.family import FAMILY
from tests.support.toy.tools import ABACUS as ABACUS_TOOL

TASKS = """\
  - id: numbers
    title: The numbers are right
    points: 100
    hints: [count, add]
    checks:
      - {id: adds-up, kind: toy.sums, total_wanted: 6}
      - {id: enough, kind: toy.counts, least: 3}
"""
OWN_TESTS = """\
  - id: numbers
    title: The author's own tests pass
    points: 100
    hints: [count, add]
    checks:
      - {id: own, kind: pytest, file: tests/test_numbers.py}
"""
WITH_FIXTURE = """\
def test_it_adds_up(workspace, abacus):
    numbers = map(int, (workspace / "numbers.txt").read_text().split())
    assert abacus(*numbers) == 6, "the numbers do not add up to 6"
"""
MISTAKES = """\
mistakes:
  - id: too-much
    title: Too much
    fails: [adds-up]
    change: {replace: [{path: numbers.txt, old: "3\\n", new: "4\\n"}]}
"""
ABACUS = """\
#!/bin/sh
[ "$1" != --version ] || { echo "abacus 1.0"; exit; }
echo run >> "$(dirname "$0")/ran"
total=0
for one; do total=$((total + one)); done
echo $total
"""


@pytest.fixture
def toy(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Register the family, put its tool on the PATH, and return the tool's folder."""
    monkeypatch.setattr(families, "FAMILIES", (*families.FAMILIES, FAMILY))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "abacus").write_text(ABACUS)
    (programs / "abacus").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = catalog.lab(TASKS, head=HEAD)
    (folder / "instructions.md").write_text("# Do it\n\n<!-- devlab:tasks -->\n\n`numbers`\n")
    (folder / "mistakes.yaml").write_text(MISTAKES)
    (folder / "start" / "numbers.txt").write_text("")
    (folder / "solution" / "numbers.txt").write_text("1\n2\n3\n")
    return programs


@pytest.fixture
def own_tests(catalog: Catalog, toy: Path) -> Path:
    """Make a test file that asks for the fixture the lab's one check; return that file."""
    folder = catalog.root / "labs" / "tested"
    (folder / "lab.yaml").write_text(f"{HEAD}tasks:\n{OWN_TESTS}")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_numbers.py").write_text(WITH_FIXTURE)
    return folder / "tests" / "test_numbers.py"


def check(tmp_path: Path) -> Report:
    work = make_work(tmp_path)
    kept = Kept(tmp_path / "verdicts")
    return grade(real_catalog.load_lab("tested"), workspace.find_workspace(work), kept=kept)


def make_work(tmp_path: Path) -> Path:
    work = tmp_path / "solved"
    if not work.exists():
        build_state(real_catalog.load_lab("tested"), "solution", {}, work)
    return work


def test_its_kinds_are_listed_and_told(devlab: Devlab, toy: Path) -> None:
    assert "toy.sums" in devlab("lab", "kinds").out
    assert "what they add up to" in devlab("lab", "kinds", "toy.sums").out


def test_the_doctor_looks_for_its_tool(
    devlab: Devlab, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> tuple[dict[str, object], dict[str, object]]:
        found = json.loads(devlab("doctor", "tested", "--format", "json").out)
        (seen,) = [one for one in found["observations"] if one["id"] == "abacus"]
        return seen, found["labs"][0]

    seen, lab = look()
    assert (seen["status"], seen["version"], seen["used_by"]) == ("ok", "1.0", ["tested"])
    assert lab["gradable"] == 100
    (toy / "abacus").unlink()
    seen, lab = look()
    assert (seen["status"], seen["advice"]) == ("missing", "make one of beads")
    assert lab["gradable"] == 0


def test_its_session_runs_once_for_all_checks(toy: Path, tmp_path: Path) -> None:
    report = check(tmp_path)
    assert report.outcome is Outcome.PASS
    assert (toy / "ran").read_text() == "run\n"


def test_its_mistakes_are_made_and_killed(devlab: Devlab, toy: Path) -> None:
    said = devlab("lab", "prove", "tested", "--only", "mutant:*", "--format", "json")
    (proof,) = json.loads(said.out)["labs"]
    fates = {one["case"]["name"]: (one["fate"], one["killed_by"]) for one in proof["results"]}
    assert len(fates) == 3
    assert fates["mutant:drop-number:numbers.txt:2"][0] == "holds", fates


@pytest.mark.parametrize("what", ["program", "setting", "variable", "code"])
def test_what_its_tool_is_decides_about_what_is_kept(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    assert not check(tmp_path).cached
    assert check(tmp_path).cached
    if what == "program":
        (toy / "abacus").write_text(f"{ABACUS}# another\n")
    elif what == "setting":
        (tmp_path / ".abacusrc").write_text("beads = wood\n")
    elif what == "variable":
        monkeypatch.setenv("ABACUS_BEADS", "glass")
    else:
        monkeypatch.setattr(
            "scaffolder.grading.cache.surroundings.digest_code",
            lambda used: ",".join(one.name for one in used),
        )
    assert not check(tmp_path).cached
    assert check(tmp_path).cached


@pytest.mark.usefixtures("own_tests")
def test_its_fixture_serves_the_tests_of_authors(tmp_path: Path) -> None:
    assert check(tmp_path).outcome is Outcome.PASS
    (make_work(tmp_path) / "numbers.txt").write_text("1\n2\n4\n")
    (verdict,) = [one.verdict for task in check(tmp_path).tasks for one in task.checks]
    assert (verdict.outcome, verdict.message) == (Outcome.FAIL, "the numbers do not add up to 6")
    assert verdict.evidence is not None
    assert verdict.evidence.ran == "abacus 1 2 4"


def test_its_fixture_without_its_tool_is_nobodys_fault(
    own_tests: Path, toy: Path, tmp_path: Path
) -> None:
    (toy / "abacus").unlink()
    (verdict,) = [one.verdict for task in check(tmp_path).tasks for one in task.checks]
    assert (verdict.outcome, verdict.hint) == (Outcome.UNAVAILABLE, "make one of beads")


def test_its_fixture_requires_its_tool_where_a_test_asks_for_it(own_tests: Path) -> None:
    (spec,) = real_catalog.load_lab("tested").tasks[0].checks
    assert ABACUS_TOOL in spec.check.requirements(own_tests.parent.parent)
    own_tests.write_text("def test_nothing(workspace): pass\n")
    assert ABACUS_TOOL not in spec.check.requirements(own_tests.parent.parent)


def give(own_tests: Path, block: str, check: str = "") -> Path:
    """Give the lab's one check a block `fixtures`, and other keys; return lab.yaml."""
    lab_file = own_tests.parent.parent / "lab.yaml"
    own = OWN_TESTS.replace("numbers.py}", f"numbers.py, {check}fixtures: {block}}}")
    lab_file.write_text(f"{HEAD}tasks:\n{own}")
    return lab_file


def test_its_fixture_takes_what_the_lab_gives_it(own_tests: Path, tmp_path: Path) -> None:
    assert check(tmp_path).outcome is Outcome.PASS
    give(own_tests, "{abacus: {start_at: 1}}")
    report = check(tmp_path)
    # Another parameter is another check, whose verdict is not the one that is kept.
    assert (report.outcome, report.cached) == (Outcome.FAIL, False)
    (make_work(tmp_path) / "numbers.txt").write_text("1\n2\n2\n")
    assert check(tmp_path).outcome is Outcome.PASS
    assert check(tmp_path).cached
    give(own_tests, "{abacus: {start_at: 2}}")
    assert check(tmp_path).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("{abacus: {start_at: one}}", "tasks.checks.fixtures.abacus.start_at: Expected `int`"),
        ("{abacus: {start: 1}}", "unknown key 'start'; did you mean 'start_at'?"),
        ("{abakus: {start_at: 1}}", "unknown key 'abakus'; did you mean 'abacus'?"),
        ("{abacus: 1}", "tasks.checks.fixtures.abacus: Expected `object`, got `int`"),
        ("[abacus]", "tasks.checks.fixtures: Expected `object`, got `array`"),
        ("0", "tasks.checks.fixtures: Expected `object`, got `int`"),
        ("{container: {directory: x}}", "unknown key 'directory'"),
    ],
)
def test_what_its_fixture_does_not_take_is_refused(own_tests: Path, block: str, words: str) -> None:
    lab_file = give(own_tests, f"\n        {block}")
    before, _, _ = lab_file.read_text().partition(f"\n        {block}")
    line = before.count("\n") + 2
    with pytest.raises(DevlabError) as caught:
        real_catalog.load_lab("tested")
    # A value that is no mapping of names has no place but its key's.
    at = line if ":" in block else line - 1
    assert f"lab.yaml:{at}: {words}" in caught.value.message


def test_a_session_gives_fixtures_their_parameters(own_tests: Path, tmp_path: Path) -> None:
    lab_file = own_tests.parent.parent / "lab.yaml"
    own = OWN_TESTS.replace("numbers.py}", "numbers.py, session: beads}")
    shared = "sessions:\n  beads:\n    fixtures:\n      abacus: {start_at: 1}\n"
    lab_file.write_text(f"{HEAD}{shared}tasks:\n{own}")
    assert check(tmp_path).outcome is Outcome.FAIL
    lab_file.write_text(lab_file.read_text().replace("start_at: 1", "start_at: 0"))
    assert check(tmp_path).outcome is Outcome.PASS


def test_editors_and_the_reference_know_what_its_fixture_takes(devlab: Devlab, toy: Path) -> None:
    parts = json.loads(devlab("lab", "schema", "lab").out)["$defs"]
    fixtures = parts["pytest"]["properties"]["fixtures"]
    assert fixtures["additionalProperties"] is False
    assert parts[fixtures["properties"]["abacus"]["$ref"].rpartition("/")[2]] == {
        "title": "AbacusParameters",
        "type": "object",
        "description": "Where the abacus begins.",
        "properties": {
            "start_at": {
                "type": "integer",
                "description": "What it adds the numbers to.",
                "default": 0,
            }
        },
        "required": [],
        "additionalProperties": False,
    }
    assert "abacus: {start_at: whole number?}?" in " ".join(
        devlab("lab", "kinds", "pytest").out.split()
    )


def test_a_tool_that_a_test_file_needs_is_looked_for_and_decides(
    devlab: Devlab, own_tests: Path, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of a family that has no fixtures nothing else counts for a test file.
    alone = msgspec.structs.replace(FAMILY, fixtures={})
    monkeypatch.setattr(families, "FAMILIES", (*FAMILIES, alone))
    own_tests.write_text("def test_nothing(workspace): pass\n")

    def used() -> list[str]:
        found = json.loads(devlab("doctor", "tested", "--format", "json").out)
        (seen,) = [one for one in found["observations"] if one["id"] == "abacus"]
        return list(seen["used_by"])

    def changes() -> bool:
        check(tmp_path)
        with (toy / "abacus").open("a") as program:
            program.write("# another\n")
        return not check(tmp_path).cached

    assert (used(), changes()) == ([], False)
    lab_file = own_tests.parent.parent / "lab.yaml"
    text = lab_file.read_text()
    lab_file.write_text(text.replace("numbers.py}", "numbers.py, needs_tools: [abacus]}"))
    assert (used(), changes()) == (["tested"], True)


def test_its_code_is_its_own() -> None:
    assert find_owner(Path(families.__file__)) == ""
    for family in FAMILIES:
        assert find_owner(Path(family.folder) / "family.py") == family.name


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_families_name_is_there(family: Family) -> None:
    for kind in family.kinds:
        assert family.load_kind(kind).run
    assert all(one.operators for one in family.load_mutators())
    for fixture in family.fixtures:
        assert issubclass(family.load_service(fixture), FixtureService)
        assert callable(getattr(load_place(family.name_plugin(fixture)), fixture))
        assert family.load_parameters(fixture)()


@pytest.mark.parametrize("fixture", SHORT_FORMS)
def test_the_short_forms_of_parameters_are_those_of_the_fixtures(fixture: str) -> None:
    own = {one.name: one for one in msgspec.structs.fields(Pytest)}
    theirs = find_fixtures()[fixture].load_parameters(fixture)
    assert SHORT_FORMS[fixture] == theirs.__struct_fields__
    for one in msgspec.structs.fields(theirs):
        assert (one.default, one.default_factory) == (
            own[one.name].default,
            own[one.name].default_factory,
        )
        types = msgspec.inspect.multi_type_info([one.type, own[one.name].type])
        assert getattr(types[0], "type", types[0]) == types[1]


def test_no_two_families_have_a_fixture_of_one_name() -> None:
    names = [name for family in FAMILIES for name in family.fixtures]
    assert len(names) == len(find_fixtures())


def test_what_tools_name_is_there() -> None:
    for tool in list_tools():
        places = (tool.version, tool.look, tool.fetch, tool.list_parts)
        for place in (*places, tool.fingerprint.files, tool.fingerprint.facts):
            assert not place or callable(load_place(place))
    ids = [tool.id for tool in list_tools()]
    assert len(set(ids)) == len(ids)
