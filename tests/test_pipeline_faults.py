"""What is planted is clean for the linter, but for the faults that are meant for it."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.checks.context import Run
from scaffolder.checks.planting import disguise, planting
from scaffolder.labs import catalog, generate
from scaffolder.model import ChangeSet
from scaffolder.sandbox import OwnWork
from scaffolder.workspace import changes

LAB = catalog.load_lab("ci-pipeline")
FOR_THE_LINTER = {
    *("unused-import", "unused-import-in-the-store"),
    *("unused-variable", "unused-variable-in-the-store"),
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    generate.build_state(LAB, "start", {}, folder)
    return folder


def run_of(tmp_path: Path, work: Path) -> Run:
    return Run(
        id="test",
        snapshot=work,
        scratch=tmp_path,
        sandbox=OwnWork(tmp_path),
        lab_root=LAB.root,
        variables={},
        faults=LAB.faults,
        start=lambda: work,
    )


def ruff(work: Path, *words: str) -> int:
    argv = [sys.executable, "-m", "ruff", *words, "--no-cache"]
    return subprocess.run(argv, cwd=work, capture_output=True, check=False).returncode


@pytest.mark.parametrize("fault", sorted(LAB.faults))
def test_only_lint_faults_are_noticed_by_the_linter(fault: str, tmp_path: Path, work: Path) -> None:
    planting.plant_fault(run_of(tmp_path, work), LAB.faults[fault])(work, one(1, work))

    assert (ruff(work, "check") != 0) == (fault in FOR_THE_LINTER)
    assert ruff(work, "format", "--check") == 0


@pytest.mark.parametrize("fault", sorted(LAB.faults))
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_harmless_change_beside_a_fault_breaks_nothing_more(
    fault: str, seed: str, tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVLAB_SEED", seed)
    run = run_of(tmp_path, work)
    planting.plant_fault(run, LAB.faults[fault])(work, one(1, work))
    before = {path: path.read_text("utf-8") for path in work.glob("app/*.py")}

    planting.plant_harmless_change(run, LAB.faults["harmless-change"])(work, one(1, work))

    assert (ruff(work, "check") != 0) == (fault in FOR_THE_LINTER)
    assert ruff(work, "format", "--check") == 0
    if fault != "harmless-change":
        assert before != {path: path.read_text("utf-8") for path in before}


def one(number: int, work: Path) -> planting.Probe:
    return planting.draw_probe(random.Random(number), work).at(Path("/tmp/ab12/line"), "GITHUB_JOB")


@pytest.mark.parametrize("number", range(6))
def test_planted_tests_are_clean(number: int, work: Path) -> None:
    for plant in (planting.plant_probe(), planting.plant_canary()):
        plant(work, one(number, work))

        assert ruff(work, "check") == 0
        assert ruff(work, "format", "--check") == 0


def test_a_failing_test_differs_from_a_passing_one_in_a_number(work: Path) -> None:
    probe = one(1, work)
    lines = zip(
        planting.write_test(probe, 0).splitlines(),
        planting.write_test(probe, 3).splitlines(),
        strict=True,
    )

    assert [a.split("==")[0] for a, b in lines if a != b] == [
        f"    assert {probe.noun}_of({probe.given}) "
    ]


@pytest.mark.parametrize("number", range(8))
def test_words_are_changed_and_nothing_else(number: int, work: Path) -> None:
    before = {path: path.read_text() for path in (work / "app").glob("*.py")}

    disguise.disguise(work, frozenset({"app"}), random.Random(number))

    changed = {path for path, text in before.items() if path.read_text() != text}
    assert changed
    assert ruff(work, "check") == 0
    assert ruff(work, "format", "--check") == 0
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    assert subprocess.run(argv, cwd=work, capture_output=True, check=False).returncode == 0


def test_a_changed_file_is_replaced_by_the_faulty_one_of_the_start(
    tmp_path: Path, work: Path
) -> None:
    run = run_of(tmp_path, work)
    (edit,) = planting.draw_form(run, LAB.faults["broken-health"]).replace
    changed = tmp_path / "changed"
    (changed / edit.path).parent.mkdir(parents=True)
    (changed / edit.path).write_text("# rewritten\n")

    planting.plant_fault(run, LAB.faults["broken-health"])(changed, one(1, work))

    wanted = changes.replace_once(edit, (work / edit.path).read_text("utf-8"))
    assert (changed / edit.path).read_text("utf-8") == wanted


def test_a_deleted_file_is_named(tmp_path: Path, work: Path) -> None:
    (work / "app" / "health.py").unlink()

    with pytest.raises(planting.CheckFailedError, match=r"app/health\.py is missing"):
        planting.plant_fault(run_of(tmp_path, work), LAB.faults["broken-health"])(
            work, one(1, work)
        )


def test_no_fault_touches_more_than_it_says() -> None:
    for fault in LAB.faults.values():
        assert isinstance(fault.change, ChangeSet)
        assert all(path.startswith("app/") for path in fault.change.paths)


def test_copies_get_tests_of_other_names(work: Path) -> None:
    names = {one(number, work).name for number in range(40)}

    assert len(names) > 12
    assert not {f"test_{name}.py" for name in names} & {
        path.name for path in (work / "tests").iterdir()
    }


@pytest.mark.parametrize("left", [0, 1])
def test_a_name_is_found_where_all_words_are_taken(work: Path, left: int) -> None:
    """Also by tests in folders, and by folders: pytest takes no two of one name."""
    (work / "tests/unit").mkdir()
    words = planting._WORDS
    for word in words[left:]:
        (work / f"tests/unit/test_{word}.py").touch()
    joined = work / f"tests/test_{words[0]}_{words[1]}.py"
    joined.mkdir()
    taken = {path.name for path in (work / "tests").rglob("test_*.py")}

    names = {one(number, work).name for number in range(30)}

    assert not {f"test_{name}.py" for name in names} & taken
    assert names == {words[0]} if left else len(names) > 1


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("number", range(4))
def test_lines_may_end_in_any_way(end: str, number: int) -> None:
    lines = (
        "def total(values):",
        "    result = sum(values)",
        "    text = '\u00e9'",
        "    return result",
        "",
    )
    source = end.join(lines)

    other = disguise.disguise_code(source, random.Random(number))

    assert other != source
    assert other.count(end) == source.count(end) + 1
    assert len(other.splitlines()) == len(source.splitlines()) + 1
    scope: dict[str, Callable[[list[int]], int]] = {}
    exec(compile(other, "app", "exec"), scope)
    assert scope["total"]([1, 2]) == 3
