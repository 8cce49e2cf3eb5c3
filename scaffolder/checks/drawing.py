"""What is drawn anew in each run, from a seed that the report tells.

Whoever knows beforehand what will be planted could make an answer for just that. So names, values
and places are drawn; `DEVLAB_SEED` draws the same again.
"""

from __future__ import annotations

import random
import secrets

from scaffolder.checks.context import Run
from scaffolder.core import settings


def report_seed(run: Run) -> str:
    """Return the seed of a run, and let its report tell it."""

    def draw() -> str:
        seed = settings.read_seed() or secrets.token_hex(4)
        run.notes[
            f"what was planted was drawn from the seed {seed}; "
            f"to draw the same again: {settings.SEED}={seed} devlab check"
        ] = None
        return seed

    return run.shared.get("seed", draw)


def make_random(run: Run, *purpose: str) -> random.Random:
    """Return a source of choices for one purpose: the same ones for the same seed."""
    return random.Random("\0".join((report_seed(run), *purpose)))  # noqa: S311 -- no secret
