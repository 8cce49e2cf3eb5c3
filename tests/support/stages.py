"""One stage for the rehearsals of many runs, as all scenes of one run have it.

To build it takes about as long as a small rehearsal: Pythons are looked for and uv's cache is
copied. Runs whose labs install the same get the same one; nothing of a run's own lies in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scaffolder.checks.context import Run
from scaffolder.checks.github.rehearsal_stage import RehearsalStage, build_stage
from scaffolder.tools import wheelhouse


class Stages:
    """Stages by what is to be installed on them, made at first use in folders that outlast runs."""

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._built: dict[tuple[str, ...], RehearsalStage] = {}

    def find(self, run: Run) -> RehearsalStage:
        """Return the stage that fits a run."""
        wanted = wheelhouse.list_requirements(run.start())
        if wanted not in self._built:
            self._built[wanted] = build_stage(replace(run, scratch=self._make_folder()))
        return self._built[wanted]
