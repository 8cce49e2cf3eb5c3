"""Wheels that a pipeline installs beyond what the lab's own answer needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scaffolder.checks.context import Context
from scaffolder.checks.github.rehearsal_stage import RehearsalSession
from scaffolder.checks.pipeline.runner import StepRun
from scaffolder.core.errors import NotShownError, UnavailableError
from scaffolder.tools import wheelhouse

_MISSING_WHEEL = (
    re.compile(r"No matching distribution found for ([^\n]+)"),
    re.compile(r"Because ([\w.\[\]-]+) was not found in the (?:cache|provided package locations)"),
    re.compile(r"there (?:is|are) no versions? of ([\w.\[\]-]+(?:[=<>~!]=?[\w.*]+)?)"),
    re.compile(r"no versions? of ([\w.\[\]-]+(?:[=<>~!]=?[\w.*]+)?)"),
)


def find_missing(steps: Iterable[StepRun]) -> tuple[str, ...]:
    """Return the packages that failed steps missed, by what installers say."""
    wanted: dict[str, None] = {}
    for step in steps:
        text = "\n".join(step.log)
        for pattern in _MISSING_WHEEL:
            for found in pattern.findall(text):
                wanted[found.split(" (")[0].strip().rstrip(".,")] = None
    return tuple(wanted)


def fetch_wheels(context: Context, session: RehearsalSession, wanted: tuple[str, ...]) -> bool:
    """Fetch wheels that a rehearsal missed, for every Python; False where there are none such."""

    cancel = session.run.cancel

    def fetch() -> bool:
        try:
            added = [
                wheelhouse.add_wheels(wanted, minor, cancel) for minor in session.stage.pythons
            ]
        except UnavailableError as error:
            # The lab's own answer needs none of it, so the machine has what it needs.
            raise NotShownError(
                f"the pipeline installs {', '.join(wanted)[:200]}, which is not here: "
                f"{error.message}",
                hint=error.hint,
            ) from error
        return any(added)

    return session.run_step(context, "the fetching of wheels", fetch, about=wanted)
