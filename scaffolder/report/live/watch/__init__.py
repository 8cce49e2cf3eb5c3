"""What `devlab watch` knows and shows, as one frozen value, and how each event moves it.

`update` is pure: a state and an event in, the next state and what is to be done out. The loop in
`watching/` does it and draws the state with `report/watch`; neither decides anything.
"""

from scaffolder.report.live.watch.pressed import KEYS
from scaffolder.report.live.watch.state import Watch, failures_of
from scaffolder.report.live.watch.update import begin, update
from scaffolder.report.live.watch.words import (
    Choice,
    Effect,
    Ended,
    Event,
    Failed,
    Grade,
    LabRead,
    Leave,
    ListChanged,
    Page,
    Pressed,
    PreviewReset,
    Question,
    Reset,
    Resumed,
    Running,
    Saved,
    Shown,
    ShowSolution,
    TakeHint,
    Told,
)

__all__ = [
    "KEYS",
    "Choice",
    "Effect",
    "Ended",
    "Event",
    "Failed",
    "Grade",
    "LabRead",
    "Leave",
    "ListChanged",
    "Page",
    "Pressed",
    "PreviewReset",
    "Question",
    "Reset",
    "Resumed",
    "Running",
    "Saved",
    "ShowSolution",
    "Shown",
    "TakeHint",
    "Told",
    "Watch",
    "begin",
    "failures_of",
    "update",
]
