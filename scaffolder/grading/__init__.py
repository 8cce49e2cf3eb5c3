"""Grade a workspace: plan the checks, run them side by side, score what they say."""

from scaffolder.grading.grader import grade, recalled
from scaffolder.grading.lifecycle import sweep, sweeping
from scaffolder.grading.remembering import keep_report
from scaffolder.keeping.store import Kept

__all__ = ["Kept", "grade", "keep_report", "recalled", "sweep", "sweeping"]
