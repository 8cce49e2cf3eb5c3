"""The benchmarks' own arithmetic and table; what they measure is never tested."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    """The benchmarks, imported as ci/bench runs them."""
    known = set(sys.modules)
    sys.path.insert(0, str(ROOT / "ci" / "benchmarks"))
    yield importlib.import_module("main")
    sys.path.remove(str(ROOT / "ci" / "benchmarks"))
    for name in set(sys.modules) - known:
        if "benchmarks" in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def figure(bench: ModuleType, *pairs: tuple[float, float], **other: Any) -> Any:
    asked = {"name": "a", "ours": "ours", "other": "theirs", "goal": 1.5, "runs": len(pairs)}
    return bench.Figure(**{**asked, "pairs": lambda _: iter(pairs), **other})


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_figure_is_the_median_of_ratios_of_neighbours(bench: ModuleType) -> None:
    # The medians of each side alone would make 10 / 4.
    row = bench.row(figure(bench, (1, 1), (10, 8), (30, 4)), [(1, 1), (10, 8), (30, 4)])
    assert cells(row) == [
        *("ours", "theirs", "1.25", "1.00 to 7.50", "1.50", "yes", "10.00 / 4.00", "3"),
    ]


def test_a_goal_in_seconds_is_held_against_ours_alone(bench: ModuleType) -> None:
    quick = bench.row(figure(bench, (0.2, 0.05), goal=0.3, in_seconds=True), [(0.2, 0.05)])
    slow = bench.row(figure(bench, (0.4, 4.0), goal=0.3, in_seconds=True), [(0.4, 4.0)])
    assert cells(quick)[4:6] == ["0.30 s", "yes"]
    assert cells(slow)[4:6] == ["0.30 s", "no"]


def test_the_first_of_several_pairs_only_warms_up_and_what_was_opened_is_closed(
    bench: ModuleType,
) -> None:
    closed = []

    def pairs(folder: Path) -> Iterator[tuple[float, float]]:
        try:
            yield (100, 1)
            while folder.is_dir():
                yield (1, 1)
        finally:
            closed.append(folder)

    row = bench.run(figure(bench, pairs=pairs, runs=3))
    assert cells(row)[3] == "1.00 to 1.00"
    assert len(closed) == 1
    assert not closed[0].exists()


def test_what_is_not_here_is_a_row_with_its_reason_and_what_fails_is_told(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def raising(error: Exception) -> Any:
        def pairs(_: Path) -> Iterator[tuple[float, float]]:
            raise error
            yield

        return figure(bench, pairs=pairs, runs=1)

    row, well = bench.measure(raising(bench.NotHereError("no engine")))
    assert well
    assert "not measured here: no engine" in row
    row, well = bench.measure(raising(RuntimeError("ended with 7")))
    assert not well
    assert "ended with 7" in capsys.readouterr().err


def test_writing_replaces_only_what_was_measured(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{bench.BEGIN}\n{bench.END}\nafter\n")
    two = [figure(bench, name=name, ours=name, pairs=None, runs=1) for name in ("first", "second")]
    monkeypatch.setattr(bench, "TABLE", page)
    monkeypatch.setattr(bench, "FIGURES", two)
    bench.write({one.name: bench.row(one, [(2, 1)]) for one in two})
    bench.write({"second": bench.row(two[1], [(3, 1)])})
    lines = page.read_text().splitlines()
    rows = [cells(line) for line in lines if line.startswith(("| first", "| second"))]
    assert [(row[0], row[2]) for row in rows] == [("first", "2.00"), ("second", "3.00")]
    assert (lines[0], lines[-1]) == ("before", "after")


def test_every_figure_has_its_own_name_and_row(bench: ModuleType) -> None:
    names = [one.name for one in bench.FIGURES]
    rows = [(one.ours, one.other) for one in bench.FIGURES]
    assert len(set(names)) == len(names)
    assert len(set(rows)) == len(rows)
