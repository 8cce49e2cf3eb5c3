"""Grading as messages: what is asked for, and what came of it. They travel as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from scaffolder.model.events import Event
from scaffolder.model.report import Report


class GradeRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Asks for a report on a workspace. `id` is for who asks: the result carries it, too.

    `lab` is the id or the folder of a lab; without it, the lab is that of the workspace's manifest,
    which is in the learner's hands. `learner` is whose lab it is graded as, the manifest's where it
    is empty. `tasks` are those that are asked for, all by default. With `use_kept`, verdicts that
    are kept are used, and new ones kept. `seconds` bound the whole; with `events` what happens
    meanwhile is told as well.
    """

    id: str
    workspace: str
    lab: str = ""
    learner: str = ""
    tasks: tuple[str, ...] = ()
    use_kept: bool = False
    seconds: Annotated[float, Meta(gt=0)] | None = None
    events: bool = False


class GradeFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why there is no report: a DevlabError as a message."""

    message: str
    hint: str
    exit_code: int


class GradeEvent(msgspec.Struct, frozen=True, tag="event"):
    """Something that happened while the request with this id was graded."""

    id: str
    event: Event


class GradeResult(msgspec.Struct, frozen=True, tag="result", omit_defaults=True):
    """What became of the request with this id: a report, or a failure; never both."""

    id: str
    report: Report | None = None
    failure: GradeFailure | None = None


GradeAnswer = GradeEvent | GradeResult
