"""The shapes of a lab's own files; the JSON Schemas for editors are made from them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from scaffolder.model import Equivalent, Finish, Hint, Mistake
from scaffolder.model.variation import Variation

DEFAULT_TIMEOUT = 120.0
# The file of a lab that ships a repository.
HISTORY = "history.yaml"

Id = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Words = Annotated[str, Meta(min_length=1, max_length=2000)]


class CheckKeys(msgspec.Struct, frozen=True):
    """One verification inside a task; it has the keys of every check and those of its kind."""

    id: Annotated[Id, Meta(description="Unique in the lab; mistakes name it.")]
    kind: Annotated[str, Meta(description="What verifies it; `devlab lab kinds` shows them all.")]
    timeout: Annotated[
        float,
        Meta(gt=0, le=3600, description="Seconds that the learner's work may take."),
    ] = DEFAULT_TIMEOUT
    session: Annotated[
        str, Meta(description="A name in `sessions`: what stands there is this check's too.")
    ] = ""


class TaskFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the learner sees: a title, points, hints, and the checks that decide."""

    id: Annotated[Id, Meta(description="Unique in the lab; named in instructions.md.")]
    title: Annotated[Words, Meta(description="What must hold, as one sentence.")]
    points: Annotated[int, Meta(gt=0, description="All or none of them are earned.")]
    checks: Annotated[
        list[dict[str, Any]], Meta(min_length=1, description="All must pass; they run together.")
    ]
    needs: Annotated[
        tuple[Id, ...], Meta(description="Tasks without which this one cannot pass.")
    ] = ()
    hints: Annotated[
        tuple[Words | Hint, ...],
        Meta(
            description="From a nudge to nearly the answer, at least two as texts; a mapping is a "
            "hint for the one failure that it names and comes before them."
        ),
    ] = ()
    given: Annotated[bool, Meta(description="It passes on the start already.")] = False


class LabFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lab: what to do and how it is graded."""

    version: Annotated[
        str, Meta(min_length=1, max_length=200, description="Raise it when a grade may change.")
    ]
    title: Annotated[Words, Meta(description="What the learner will be able to do.")]
    summary: Annotated[Words, Meta(description="One or two sentences for the list of labs.")]
    track: Annotated[Id, Meta(description="The course that it belongs to, e.g. containers.")]
    level: Annotated[Id, Meta(description="introduction, beginner, intermediate, advanced or expert.")]
    minutes: Annotated[int, Meta(gt=0, description="How long a learner takes.")]
    skills: Annotated[tuple[Id, ...], Meta(description="What is practised, as tags.")]
    template: Annotated[
        Id, Meta(description="The starting code: a folder beside labs/ in templates/, or ours.")
    ]
    tasks: Annotated[list[TaskFile], Meta(min_length=1, description="In the learner's order.")]
    sessions: Annotated[
        dict[Id, dict[str, Any]],
        Meta(description="By name, parameters of all checks that name the session."),
    ] = {}
    context: Annotated[
        dict[str, str], Meta(description="Other defaults for the template's variables.")
    ] = {}
    vary: Annotated[
        Variation, Meta(description="What differs from learner to learner: `devlab new --learner`.")
    ] = Variation()
    finish: Annotated[
        Finish | None, Meta(description="What a learner hears who has all points.")
    ] = None


class WrongAnswersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lab's wrong answers: mistakes that must fail, generated mutants that need not."""

    mistakes: tuple[Mistake, ...] = ()
    equivalent: tuple[Equivalent, ...] = ()
