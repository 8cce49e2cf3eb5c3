"""Which contexts and functions an expression may use where it stands, and where none may stand.

The table is that of "context availability" in
https://docs.github.com/actions/reference/workflows-and-actions/contexts, completed by the runner's
own schema (github.com/actions/runner, workflow-v1.0.json) for keys that it leaves out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffolder.checks.github.workflow_language import (
    FUNCTIONS,
    ExpressionError,
    ExpressionNode,
    parse_expression,
    split_text,
)
from scaffolder.core.yaml_source import Position

_ANYWHERE = frozenset({"github", "inputs", "vars"})
_NEEDS = _ANYWHERE | {"needs"}
_JOB = _NEEDS | {"strategy", "matrix"}
_RUNNER = _JOB | {"steps", "job", "runner", "env"}
_STEP = _RUNNER | {"secrets"}
_HASH = {"hashfiles": (1, 255)}
_JOB_STATUS = {"always": (0, 0), "cancelled": (0, 0), "failure": (0, 255), "success": (0, 255)}
_STATUS = {"always": (0, 0), "cancelled": (0, 0), "failure": (0, 0), "success": (0, 0)}
_CONTEXTS = _STEP | {"jobs"}
_EVERY_FUNCTION = frozenset({*FUNCTIONS, *_HASH, *_STATUS})

Arity = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Room:
    """What an expression may use: contexts, and functions beyond those that all may."""

    contexts: frozenset[str]
    functions: Arity = field(default_factory=dict)
    condition: bool = False


# `*` stands for any one key or index, `**` for any number of them. The first that fits counts.
_ROOMS: tuple[tuple[Position, Room], ...] = (
    (("run-name",), Room(_ANYWHERE)),
    (("concurrency", "**"), Room(_ANYWHERE)),
    (("env", "**"), Room(_ANYWHERE | {"secrets"})),
    (("on", "workflow_call", "inputs", "*", "default"), Room(_ANYWHERE)),
    (("on", "workflow_call", "outputs", "*", "value"), Room(_ANYWHERE | {"jobs"})),
    (("jobs", "*", "if"), Room(_NEEDS, _JOB_STATUS, condition=True)),
    (("jobs", "*", "strategy", "**"), Room(_NEEDS)),
    (("jobs", "*", "env", "**"), Room(_JOB | {"secrets"})),
    (("jobs", "*", "secrets", "*"), Room(_JOB | {"secrets"})),
    (("jobs", "*", "with", "*"), Room(_JOB)),
    (("jobs", "*", "defaults", "run", "**"), Room(_JOB | {"env"})),
    (("jobs", "*", "outputs", "*"), Room(_STEP)),
    (("jobs", "*", "environment", "url"), Room(_RUNNER)),
    (("jobs", "*", "snapshot", "if"), Room(_RUNNER, {**_STATUS, **_HASH}, condition=True)),
    (("jobs", "*", "container", "env", "**"), Room(_STEP)),
    (("jobs", "*", "services", "*", "env", "**"), Room(_STEP)),
    (("jobs", "*", "container", "credentials", "**"), Room(_JOB | {"secrets", "env"})),
    (("jobs", "*", "services", "*", "credentials", "**"), Room(_JOB | {"secrets", "env"})),
    *(
        (("jobs", "*", key, "**"), Room(_JOB))
        for key in (
            *("name", "runs-on", "timeout-minutes", "cancel-timeout-minutes", "continue-on-error"),
            *("concurrency", "environment", "container", "services", "snapshot"),
        )
    ),
    (("jobs", "*", "steps", "*", "if"), Room(_RUNNER, {**_STATUS, **_HASH}, condition=True)),
    *(
        (("jobs", "*", "steps", "*", key, "**"), Room(_STEP, _HASH))
        for key in (
            *("name", "run", "env", "with", "working-directory", "continue-on-error"),
            "timeout-minutes",
        )
    ),
)


def find_room(position: Position) -> Room | None:
    """Return what an expression at a place in a workflow may use, None where none may stand."""
    place = _outside_parallel(position)
    return next((room for pattern, room in _ROOMS if _fits(pattern, place)), None)


def find_expression_problems(data: Any) -> Iterator[tuple[Position, str]]:
    """Yield the place of every expression that GitHub would refuse, and why."""
    for position, text in _texts(data, ()):
        room = find_room(position)
        if room is not None and room.condition and "${{" not in text:
            codes = [text] if text.strip() else []
        elif "${{" not in text:
            continue
        elif room is None:
            yield position, "an expression cannot stand here"
            continue
        else:
            try:
                codes = [part.code for part in split_text(text)]
            except ExpressionError as error:
                yield position, str(error)
                continue
        for code in codes:
            # `${{ insert }}` as a key puts the mapping behind it in its place.
            if code.strip() != "insert":
                yield from ((position, problem) for problem in _problems(code, room))


def _problems(code: str, room: Room | None) -> Iterator[str]:
    assert room is not None  # noqa: S101 -- where there is none nothing is read
    try:
        tree = parse_expression(code)
    except ExpressionError as error:
        yield f"an expression does not parse: {error}"
        return
    for node in tree.walk():
        if node.kind == "context" and node.name.lower() not in room.contexts:
            yield _unknown("context", node.name, _CONTEXTS, room.contexts)
        elif node.kind == "call":
            yield from _call_problems(node, {**FUNCTIONS, **room.functions})


def _call_problems(node: ExpressionNode, known: Arity) -> Iterator[str]:
    name = node.name.lower()
    if name not in known:
        yield _unknown("function", node.name, _EVERY_FUNCTION, known)
        return
    fewest, most = known[name]
    count = len(node.parts)
    if not fewest <= count <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        yield f"{node.name}() takes {wanted} arguments, and has {count}"
    elif name == "case" and count % 2 == 0:
        yield "case() takes pairs of a condition and a value, and one value for all other cases"


def _unknown(sort: str, name: str, everywhere: frozenset[str], here: Any) -> str:
    shown = f"{name[:60]}()" if sort == "function" else name[:60]
    if name.lower() in everywhere:
        known = ", ".join(sorted(here))
        return f"the {sort} {shown} cannot be used here; what can: {known}"
    close = difflib.get_close_matches(name.lower()[:60], sorted(everywhere), n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"there is no {sort} {shown}{meant}"


def _texts(value: Any, position: Position) -> Iterator[tuple[Position, str]]:
    """Yield every text of parsed YAML and its place; a key stands where its mapping does."""
    if isinstance(value, str):
        yield position, value
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts(part, (*position, index))
    elif isinstance(value, dict):
        for key, part in value.items():
            if "${{" in str(key):
                yield position, str(key)
            yield from _texts(part, (*position, key))


def _fits(pattern: Position, place: Position) -> bool:
    if pattern and pattern[-1] == "**":
        pattern = pattern[:-1]
        place = place[: len(pattern)]
    return len(pattern) == len(place) and all(
        wanted in ("*", part) for wanted, part in zip(pattern, place, strict=True)
    )


def _outside_parallel(position: Position) -> Position:
    """Return where a step within `parallel` would stand, were it one of the job's own."""
    while len(position) > 6 and position[:1] == ("jobs",) and position[4] == "parallel":
        position = (*position[:3], position[5], *position[6:])
    return position
