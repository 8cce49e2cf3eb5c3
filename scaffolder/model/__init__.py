"""The words of devlab as frozen values: labs, verdicts and what grading comes to.

It imports nothing of devlab's but `core`, so every other room may rely on it.
"""

from scaffolder.model.lab import (
    ChangeSet,
    CheckParameters,
    CheckSpec,
    Equivalent,
    Fault,
    Hint,
    Lab,
    Mistake,
    Problem,
    Replacement,
    Task,
    WrongAnswers,
)
from scaffolder.model.report import (
    CheckResult,
    Report,
    Score,
    TaskResult,
    score_tasks,
)
from scaffolder.model.verdict import (
    Cause,
    Evidence,
    Finding,
    Outcome,
    Verdict,
    failed,
    not_shown,
    passed,
    unavailable,
)

__all__ = [
    "Cause",
    "ChangeSet",
    "CheckParameters",
    "CheckResult",
    "CheckSpec",
    "Equivalent",
    "Evidence",
    "Fault",
    "Finding",
    "Hint",
    "Lab",
    "Mistake",
    "Outcome",
    "Problem",
    "Replacement",
    "Report",
    "Score",
    "Task",
    "TaskResult",
    "Verdict",
    "WrongAnswers",
    "failed",
    "not_shown",
    "passed",
    "score_tasks",
    "unavailable",
]
