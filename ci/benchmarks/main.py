"""Measure devlab as ratios: its own time over that of what it is compared with, pair by pair.

These machines are noisy and drift, so a figure is the median of the ratios of neighbouring runs,
never a number of seconds; the seconds are shown to give a feeling for the size. One figure has its
goal in seconds all the same, for people notice what lies between a save and its verdict.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import beside_check50
import chains
import figures
import saving
from measuring import NotHereError, Pair, Pairs, one_by_one

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"

IMPORT = 'python -c "import click"'
CHAINS = {
    "containerize-flask": (1.25, ("stopped", "watched")),
    "slim-image": (1.4, ("layered", "walked")),
}


@dataclass(frozen=True)
class Figure:
    """One comparison: `pairs` yields the seconds of devlab and of the other.

    `goal` is the largest ratio that will do, or, with `in_seconds`, the most seconds of devlab's.
    With more than one pair the first one only warms up.
    """

    name: str
    ours: str
    other: str
    goal: float
    runs: int
    pairs: Pairs
    in_seconds: bool = False


def _warm(lab: str) -> Figure:
    ours = f"warm, unchanged devlab check of {lab}"
    return Figure(f"warm-{lab}", ours, IMPORT, 3.5, 11, partial(figures.warm, lab))


def _images(lab: str) -> Figure:
    """A cold check of a lab of images."""
    goal, played = CHAINS[lab]
    return Figure(
        f"cold-{lab}",
        f"cold devlab check of {lab}",
        "the slowest chain of its engine calls",
        goal,
        3,
        one_by_one(partial(chains.engine, lab, played)),
    )


FIGURES = (
    Figure("version", "devlab --version", IMPORT, 1.3, 15, one_by_one(figures.version)),
    Figure(
        "new", "devlab new", "cookiecutter on the same template", 1.0, 9, one_by_one(figures.new)
    ),
    *(_warm(lab) for lab in ("containerize-flask", "slim-image", "ci-pipeline", "terraform-stubs")),
    Figure(
        "warm-drawn",
        "the same of containerize-flask, drawn at a terminal",
        IMPORT,
        4.0,
        11,
        partial(figures.warm_drawn, "containerize-flask"),
    ),
    *(_images(lab) for lab in CHAINS),
    Figure(
        "cold-terraform-stubs",
        "cold devlab check of terraform-stubs",
        "its chain of Terraform commands, provider attached",
        1.25,
        1,
        one_by_one(chains.terraform),
    ),
    Figure(
        "container",
        "cold devlab check of containerize-flask",
        "a bare script of the same engine calls",
        1.10,
        3,
        one_by_one(chains.everything),
    ),
    Figure(
        "pipeline",
        "cold devlab check of ci-pipeline",
        "its act runs, one after another, with pip itself",
        0.8,
        1,
        one_by_one(figures.pipeline),
    ),
    Figure(
        "pipeline-same",
        "cold devlab check of ci-pipeline",
        "its act runs, one after another, with devlab's quick installs",
        0.8,
        1,
        one_by_one(figures.pipeline_same),
    ),
    Figure(
        "check50",
        "lint and HTTP tasks of containerize-flask, just changed",
        "the same checks in check50",
        0.7,
        5,
        beside_check50.cold,
    ),
    Figure(
        "check50-unchanged",
        "the same tasks, unchanged",
        "the same checks in check50, unchanged",
        0.5,
        5,
        beside_check50.warm,
    ),
    Figure(
        "watch",
        "devlab watch, from a save to the lint task's verdict",
        "hadolint alone",
        0.3,
        9,
        saving.watched,
        in_seconds=True,
    ),
    Figure(
        "slot",
        "a free slot taken and given back, ten thousand times",
        "two files opened, locked and closed as often",
        4.0,
        9,
        one_by_one(figures.slot),
    ),
)


def run(figure: Figure) -> str:
    """Measure one figure and return its row of the table."""
    warm_up = 1 if figure.runs > 1 else 0
    with tempfile.TemporaryDirectory(prefix="devlab-bench-") as made:
        folder = Path(made) / figure.name
        folder.mkdir()
        with contextlib.closing(figure.pairs(folder)) as pairs:  # type: ignore[type-var]
            return row(figure, list(islice(pairs, warm_up, warm_up + figure.runs)))


def row(figure: Figure, pairs: list[Pair]) -> str:
    """Return the row of a figure that was measured."""
    ratios = [ours / other for ours, other in pairs]
    ours = statistics.median(pair[0] for pair in pairs)
    other = statistics.median(pair[1] for pair in pairs)
    ratio = statistics.median(ratios)
    held = "yes" if (ours if figure.in_seconds else ratio) <= figure.goal else "no"
    goal = f"{figure.goal:.2f} s" if figure.in_seconds else f"{figure.goal:.2f}"
    return (
        f"| {figure.ours} | {figure.other} | {ratio:.2f} | {min(ratios):.2f} to {max(ratios):.2f} "
        f"| {goal} | {held} | {ours:.2f} / {other:.2f} | {figure.runs} |"
    )


def write(measured: Mapping[str, str]) -> None:
    """Put rows, by the names of their figures, into the table in docs/performance.md.

    Of a figure that was not measured now the row stays as it is, if there is one.
    """
    before, rest = TABLE.read_text("utf-8").split(BEGIN)
    old, after = rest.split(END)
    rows = [measured.get(figure.name) or next(_rows_of(figure, old), "") for figure in FIGURES]
    table = "\n".join([BEGIN, *header(), *filter(None, rows), "", machine(), END])
    TABLE.write_text(before + table + after, "utf-8")


def _rows_of(figure: Figure, table: str) -> Iterator[str]:
    begins = f"| {figure.ours} | {figure.other} | "
    return (line for line in table.splitlines() if line.startswith(begins))


def header() -> list[str]:
    """Return the first lines of the table."""
    return [
        "| devlab | compared with | ratio (median) | pairs | at most | held | seconds | runs |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: |",
    ]


def machine() -> str:
    """Say in a line what this was measured on."""
    return (
        f"Measured on {os.cpu_count()} processors, {platform.system()}, "
        f"Python {platform.python_version()}."
    )


@contextlib.contextmanager
def records_apart() -> Iterator[None]:
    """Keep what is measured out of the user's progress; their Terraform plugins stay in reach."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    with tempfile.TemporaryDirectory(prefix="devlab-bench-data-") as made:
        if (data / "terraform").is_dir():
            (Path(made) / "terraform").symlink_to(data / "terraform")
        os.environ["XDG_DATA_HOME"] = made
        yield


def measure(figure: Figure) -> tuple[str, bool]:
    """Measure a figure; return its row, and whether nothing went wrong meanwhile."""
    try:
        return run(figure), True
    except NotHereError as error:
        return unmeasured(figure, f"not measured here: {error}"), True
    except RuntimeError as error:
        print(error, file=sys.stderr, flush=True)
        return unmeasured(figure, "not measured: something failed"), False


def unmeasured(figure: Figure, why: str) -> str:
    """Return the row of a figure without numbers."""
    return f"| {figure.ours} | {figure.other} | {why} | | | | | |"


def main() -> int:
    """Measure what was asked for; return 1 where something failed, which is never written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="figures to measure (default: all)")
    parser.add_argument("--list", action="store_true", help="name the figures")
    parser.add_argument(
        "--write", action="store_true", help="write what was measured into docs/performance.md"
    )
    options = parser.parse_args()
    known = {figure.name: figure for figure in FIGURES}
    if options.list:
        print("\n".join(f"{name}: {known[name].ours} / {known[name].other}" for name in known))
        return 0
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"unknown figures: {', '.join(unknown)}; known: {', '.join(known)}")
    rows = {}
    failed = False
    print("\n".join(header()), flush=True)
    with records_apart():
        for name in options.names or known:
            row_of_it, well = measure(known[name])
            print(row_of_it, flush=True)
            failed = failed or not well
            if well:
                rows[name] = row_of_it
    if options.write:
        write(rows)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
