"""Run a lab's test file against a workspace, as the grader does."""

from __future__ import annotations

import secrets
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffolder.checks.context import Context, Run
from scaffolder.checks.pytest.kind import Pytest
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Verdict
from scaffolder.sandbox import OwnWork
from scaffolder.workspace import take_snapshot


@dataclass
class Bench:
    """A lab folder, a workspace, and what runs the lab's one test file against it."""

    folder: Path
    runs: list[Run] = field(default_factory=list)

    @property
    def work(self) -> Path:
        """The learner's folder."""
        return self.folder / "wörk 1"

    @property
    def lab(self) -> Path:
        """The lab's folder of tests."""
        return self.folder / "lab" / "tests"

    def put(self, files: Mapping[str, str]) -> None:
        """Write files of the learner's."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), "utf-8")

    def run(self, **options: Any) -> Run:
        """Take a snapshot, and return a run that grades it."""
        folder = self.folder / f"run{len(self.runs)}"
        (folder / "scratch").mkdir(parents=True)
        skipped = take_snapshot(self.work, folder / "snapshot")
        run = Run(
            id=f"test-{secrets.token_hex(6)}",
            snapshot=folder / "snapshot",
            scratch=folder / "scratch",
            sandbox=OwnWork(folder / "scratch"),
            lab_root=self.lab.parent,
            variables={"service_name": "tea-shop"},
            faults={},
            start=lambda: self.work,
            skipped=skipped,
            **{"trusted": True, **options},
        )
        self.runs.append(run)
        return run

    def check(
        self, text: str, *, timeout: float = 30, run: Run | None = None, **parameters: Any
    ) -> Verdict:
        """Return the verdict on the test file with this text."""
        (self.lab / "test_it.py").write_text(textwrap.dedent(text), "utf-8")
        kind = Pytest(**{"file": "tests/test_it.py", **parameters})
        spec = CheckSpec("tested", "pytest", kind, timeout)
        return judge(spec, Context(run or self.run(), "tested", timeout))


def a_bench(folder: Path) -> Iterator[Bench]:
    """Yield a bench in the folder; what its runs shared is undone at the end."""
    made = Bench(folder)
    made.work.mkdir(parents=True)
    made.lab.mkdir(parents=True)
    yield made
    for run in made.runs:
        run.shared.close()
