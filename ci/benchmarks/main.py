"""Measure devlab as ratios: its own time over that of what it is compared with, pair by pair.

These machines are noisy and drift, so a figure is the median of the ratios of neighbouring runs,
never a number of seconds; the seconds are shown to give a feeling for the size.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import figures

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Figure:
    """One comparison: `measure` returns the seconds of devlab and of the other, one pair."""

    name: str
    ours: str
    other: str
    goal: float
    pairs: int
    measure: Callable[[Path], tuple[float, float]]


FIGURES = (
    Figure("version", "devlab --version", 'python -c "import click"', 1.5, 15, figures.version),
    Figure("new", "devlab new", "cookiecutter on the same template", 1.0, 9, figures.new),
    Figure(
        "pipeline",
        "devlab check of the solved ci-pipeline",
        "its act runs, one after another, with pip itself",
        0.8,
        1,
        figures.pipeline,
    ),
    Figure(
        "pipeline-same",
        "devlab check of the solved ci-pipeline",
        "its act runs, one after another, with devlab's quick installs",
        0.8,
        1,
        figures.pipeline_same,
    ),
    Figure(
        "container",
        "devlab check of the solved containerize-flask",
        "a bare script of the same engine calls",
        1.15,
        3,
        figures.container,
    ),
)


def run(figure: Figure) -> str:
    """Measure one figure and return its row of the table."""
    with tempfile.TemporaryDirectory(prefix="devlab-bench-") as folder:
        if figure.pairs > 1:
            figure.measure(Path(folder) / "warm-up")
        pairs = [figure.measure(Path(folder) / str(number)) for number in range(figure.pairs)]
    ratios = [ours / other for ours, other in pairs]
    ours = statistics.median(pair[0] for pair in pairs)
    other = statistics.median(pair[1] for pair in pairs)
    return (
        f"| {figure.ours} | {figure.other} | {statistics.median(ratios):.2f} "
        f"| {min(ratios):.2f} to {max(ratios):.2f} | {figure.goal:.2f} "
        f"| {ours:.2f} / {other:.2f} | {figure.pairs} |"
    )


def write(rows: list[str]) -> None:
    """Put the table between the marks in docs/performance.md."""
    text = TABLE.read_text("utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    table = "\n".join([BEGIN, *header(), *rows, "", machine(), END])
    TABLE.write_text(before + table + after, "utf-8")


def header() -> list[str]:
    """Return the first lines of the table."""
    return [
        "| devlab | compared with | ratio (median) | pairs | goal, at most | seconds | runs |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]


def machine() -> str:
    """Say in a line what this was measured on."""
    import os

    return (
        f"Measured on {os.cpu_count()} processors, {platform.system()}, "
        f"Python {platform.python_version()}."
    )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="figures to measure (default: all)")
    parser.add_argument("--list", action="store_true", help="name the figures")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    known = {figure.name: figure for figure in FIGURES}
    if options.list:
        print("\n".join(f"{name}: {known[name].ours} / {known[name].other}" for name in known))
        return
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"unknown figures: {', '.join(unknown)}; known: {', '.join(known)}")
    rows = []
    print("\n".join(header()), flush=True)
    for name in options.names or known:
        try:
            rows.append(run(known[name]))
        except figures.NotHereError as error:
            rows.append(f"| {known[name].ours} | not measured here: {error} | | | | | |")
        print(rows[-1], flush=True)
    if options.write:
        write(rows)


if __name__ == "__main__":
    sys.exit(main())
