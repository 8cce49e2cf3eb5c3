"""The environment variables that users set for devlab: each is named, explained and read here.

They are read whenever they are asked for. What devlab itself hands to programs that it starts
(stand-ins of actions, the completion of a shell) is no setting.
"""

from __future__ import annotations

import os

# How many things that load the processors run at a time; one per processor by default.
JOBS = "DEVLAB_JOBS"
# Folders, separated as in PATH, whose labs/ are used in place: those of an author at work.
LABS = "DEVLAB_LABS"
# The learner's id, on a machine that is one learner's.
LEARNER = "DEVLAB_LEARNER"
# From what checks draw what they plant, to draw the same again; anew in each run by default.
SEED = "DEVLAB_SEED"

_SEED_LIMIT = 40


def read_jobs() -> int | None:
    """Return the number that JOBS says; None where it is not set, or to no number above 0."""
    told = os.environ.get(JOBS, "")
    return int(told) or None if told.isdecimal() else None


def read_lab_folders() -> tuple[str, ...]:
    """Return the folders that LABS names, as they stand there."""
    return tuple(filter(None, os.environ.get(LABS, "").split(os.pathsep)))


def read_seed() -> str:
    """Return the seed that SEED says, "" for none; of a long one the beginning."""
    return os.environ.get(SEED, "").strip()[:_SEED_LIMIT]
