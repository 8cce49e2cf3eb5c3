"""The block `sessions` of lab.yaml: parameters that several checks share, said once.

A check with `session: NAME` gets those of its kind's parameters that stand there. From here on it
is a check like any other: what is graded, proved and kept knows nothing of the block.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scaffolder.core.yaml_source import Document, Position

if TYPE_CHECKING:
    from scaffolder.checks.kind import Kind
    from scaffolder.labs.lab_file import LabSource

_KEY = "session"
_BLOCK = "sessions"

Check = dict[str, Any]


def expand_sessions(source: LabSource, kinds: Mapping[str, type[Kind]]) -> Document:
    """Return a lab.yaml whose checks have all their parameters; `kinds` are the registry's.

    A parameter keeps the line on which it stands. Raises LabFileError for a session that is not
    there or that no check names, and for a parameter that is given twice or that no check takes.
    """
    document = source.document
    data = copy.deepcopy(document.data)
    named = source.convert(_part(data, _BLOCK) or {}, dict[str, Any], _BLOCK)
    # One by one, as msgspec does not tell which of a mapping's values is wrong.
    sessions = {name: source.convert(one, Check, _BLOCK, name) for name, one in named.items()}
    users: dict[str, list[tuple[Position, Check]]] = {name: [] for name in sessions}
    for place, check in _find_checks(data):
        if _KEY in check:
            name = str(check.pop(_KEY))
            if name not in sessions:
                raise source.unknown(_KEY, name, sessions, *place, _KEY)
            users[name].append((place, check))
    lines = dict(document.lines)
    for name, shared in sessions.items():
        _require_use(source, kinds, name, shared, [check for _, check in users[name]])
        for place, check in users[name]:
            for key in _taken(source, kinds, name, shared, place, check):
                check[key] = copy.deepcopy(shared[key])
                lines |= _moved_lines(document, (_BLOCK, name, key), (*place, key))
    return replace(document, data=data, lines=lines)


def _find_checks(data: Any) -> Iterator[tuple[Position, Check]]:
    """Yield all checks with their places; what has another shape is told of when it is read."""
    for number, task in _parts(_part(data, "tasks")):
        yield from _checks_at(("tasks", number, "checks"), _part(task, "checks"))
    for task_id, checks in _parts(_part(_part(data, "vary"), "checks")):
        yield from _checks_at(("vary", "checks", task_id), checks)


def _checks_at(place: Position, checks: Any) -> Iterator[tuple[Position, Check]]:
    return (((*place, at), check) for at, check in _parts(checks) if isinstance(check, dict))


def _part(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def _parts(data: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(data, dict):
        yield from data.items()
    elif isinstance(data, list):
        yield from enumerate(data)


def _require_use(
    source: LabSource,
    kinds: Mapping[str, type[Kind]],
    name: str,
    shared: Mapping[str, Any],
    checks: list[Check],
) -> None:
    if not checks:
        raise source.error(
            f"no check names the session {name!r}",
            *(_BLOCK, name),
            hint=f"a check that shares it says: session: {name}",
        )
    known = {field for check in checks for field in _fields(kinds, shared, check)}
    for key in shared:
        if key not in known:
            raise source.unknown("parameter", key, known, _BLOCK, name, key)


def _taken(
    source: LabSource,
    kinds: Mapping[str, type[Kind]],
    name: str,
    shared: Mapping[str, Any],
    place: Position,
    check: Check,
) -> tuple[str, ...]:
    """Return the parameters that a check takes of its session; one of its own is none of them."""
    fields = _fields(kinds, shared, check)
    taken = tuple(key for key in shared if key in fields)
    if not taken:
        raise source.error(
            f"{check.get('kind')} has no parameter that the session {name!r} gives",
            *(*place, _KEY),
            hint=f"its parameters: {', '.join(fields)}" if fields else "it has no parameters",
        )
    for key in taken:
        if key in check:
            raise source.error(
                f"{key!r} is given twice: here and in the session {name!r}",
                *(*place, key),
                hint="a check whose parameters are its own names no session",
            )
    return taken


def _fields(
    kinds: Mapping[str, type[Kind]], shared: Mapping[str, Any], check: Check
) -> tuple[str, ...]:
    """Return the parameters of a check's kind; one that is not there is told of later."""
    kind = kinds.get(str(check.get("kind")))
    return tuple(shared) if kind is None else kind.__struct_encode_fields__


def _moved_lines(document: Document, there: Position, here: Position) -> dict[Position, int]:
    """Return the lines of a part of the document as those of another place."""
    return {
        (*here, *position[len(there) :]): line
        for position, line in document.lines.items()
        if position[: len(there)] == there
    }
