"""What is planted is clean for the linter, but for the faults that are meant for it."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder import catalog, generate
from scaffolder.checks import planting
from scaffolder.checks.base import Run
from scaffolder.model import ChangeSet

LAB = catalog.load("ci-pipeline")
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
    plant = planting.faulty(run_of(tmp_path, work), LAB.faults[fault])

    plant(work, tmp_path)

    assert (ruff(work, "check") != 0) == (fault in FOR_THE_LINTER)
    assert ruff(work, "format", "--check") == 0


@pytest.mark.parametrize("plant", [planting.probe, planting.canary])
def test_planted_tests_are_clean(
    plant: Callable[[Run], planting.Plant], tmp_path: Path, work: Path
) -> None:
    plant(run_of(tmp_path, work))(work, tmp_path / "witness")

    assert ruff(work, "check") == 0
    assert ruff(work, "format", "--check") == 0


def test_a_changed_file_is_replaced_by_the_faulty_one_of_the_start(
    tmp_path: Path, work: Path
) -> None:
    changed = tmp_path / "changed"
    (changed / "app").mkdir(parents=True)
    (changed / "app" / "health.py").write_text("# rewritten\n")

    planting.faulty(run_of(tmp_path, work), LAB.faults["broken-health"])(changed, tmp_path)

    assert '"failing"' in (changed / "app" / "health.py").read_text()


def test_a_deleted_file_is_named(tmp_path: Path, work: Path) -> None:
    (work / "app" / "health.py").unlink()

    with pytest.raises(planting.CheckFailedError, match=r"app/health\.py is missing"):
        planting.faulty(run_of(tmp_path, work), LAB.faults["broken-health"])(work, tmp_path)


def test_no_fault_touches_more_than_it_says() -> None:
    for fault in LAB.faults.values():
        assert isinstance(fault.change, ChangeSet)
        assert all(path.startswith("app/") for path in fault.change.paths)


def test_other_runs_plant_tests_of_other_names(tmp_path: Path, work: Path) -> None:
    names = set()
    for number in range(12):
        run = dataclasses.replace(run_of(tmp_path, work), id=f"run-{number}")
        for plant in (planting.probe, planting.canary):
            copy = tmp_path / f"{plant.__name__}-{number}"
            (copy / "tests").mkdir(parents=True)
            plant(run)(copy, tmp_path)
            names |= {path.name for path in (copy / "tests").iterdir()}

    assert len(names) > 12
    assert not names & {path.name for path in (work / "tests").iterdir()}
