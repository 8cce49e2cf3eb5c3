"""What `devlab watch` knows and shows, as one frozen value, and how each event moves it.

`update` is pure: a state and an event in, the next state and what is to be done out. The loop in
`watching/` does it and draws the state with `report/watch`; neither decides anything.
"""

from scaffolder.report.live.watch.pressed import KEYS
from scaffolder.report.live.watch.state import Watch, list_failures
from scaffolder.report.live.watch.update import begin_watch, update_watch
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
    ResetFile,
    Resumed,
    Running,
    Saved,
    Shown,
    ShowSolution,
    ShowTask,
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
    "ResetFile",
    "Resumed",
    "Running",
    "Saved",
    "ShowSolution",
    "ShowTask",
    "Shown",
    "TakeHint",
    "Told",
    "Watch",
    "begin_watch",
    "list_failures",
    "update_watch",
]
