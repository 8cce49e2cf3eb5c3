"""Grade a workspace: plan the checks, run them side by side, score what they say."""

from scaffolder.grading.grader import grade
from scaffolder.grading.keeping import Kept
from scaffolder.grading.lifecycle import sweep, sweeping

__all__ = ["Kept", "grade", "sweep", "sweeping"]
