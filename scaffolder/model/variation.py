"""What a lab says of how it differs from learner to learner: the shape of `vary` in lab.yaml.

What comes of it is `variation`'s. This module imports nothing of devlab's.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Possibilities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one variable can be for a learner, said by one of range, choices, words and token.

    One with a default is the lab's own, and has that where there is no learner's id; one without
    is a variable of the template.
    """

    default: (
        Annotated[str, Meta(description="Makes it the lab's own; the value without an id.")] | None
    ) = None
    range: (
        Annotated[tuple[int, int], Meta(description="Whole numbers, from the first to the last.")]
        | None
    ) = None
    choices: Annotated[tuple[str, ...], Meta(description="One of these.")] = ()
    words: Annotated[
        tuple[tuple[str, ...], ...],
        Meta(description="Lists of words; one of each, joined by hyphens."),
    ] = ()
    token: Annotated[
        int, Meta(ge=0, le=40, description="So many letters and digits that say nothing.")
    ] = 0


class Variation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a lab differs from learner to learner, and what is asked of a learner's lab alone."""

    variables: Annotated[
        dict[str, Possibilities], Meta(description="Of the template, or the lab's own.")
    ] = {}
    faults: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="For a fault, others that may be planted in its stead."),
    ] = {}
    checks: Annotated[
        dict[str, list[dict[str, Any]]],
        Meta(description="By task, checks of a workspace that was made for a learner."),
    ] = {}
    instructions: Annotated[
        str, Meta(description="What the learner is told of these, behind the table of tasks.")
    ] = ""
