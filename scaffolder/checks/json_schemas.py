"""What breaks a JSON Schema, in words that help whoever wrote the document.

jsonschema's own words name a value whole and a keyword; of alternatives it tells all.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROBLEM_LIMIT = 20
_SHOWN = 60
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "empty",
}


@dataclass(frozen=True)
class SchemaProblem:
    """One way in which a document breaks its schema: where (keys and indexes), and how.

    `validator` is the schema's keyword that is broken, `wanted` what it asks for, `value` what is
    there instead.
    """

    position: tuple[str | int, ...]
    message: str
    validator: str
    wanted: Any
    value: Any

    @property
    def path(self) -> str:
        """The position as people write it: jobs.test.steps[0]."""
        return format_position(self.position)


def format_position(position: tuple[str | int, ...]) -> str:
    """Return a position as people write it: jobs.test.steps[0]; a long key is cut."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:_SHOWN]}" for part in position]
    return "".join(parts).removeprefix(".")


def find_schema_problems(validator: Any, data: Any) -> tuple[SchemaProblem, ...]:
    """Return what a validator of jsonschema's finds wrong in JSON data, most telling first.

    Of alternatives that all fail only the one that comes nearest is told; at most PROBLEM_LIMIT.
    """
    found: dict[tuple[Any, ...], SchemaProblem] = {}
    for error in validator.iter_errors(data):
        for leaf in _nearest(error):
            for problem in _told(leaf):
                found.setdefault((problem.position, problem.message), problem)
                if len(found) >= PROBLEM_LIMIT:
                    return tuple(found.values())
    return tuple(found.values())


def _nearest(error: Any) -> Iterator[Any]:
    """Yield the errors of the alternative that the author most likely meant."""
    alternatives: dict[Any, list[Any]] = defaultdict(list)
    for inner in error.context or ():
        alternatives[inner.schema_path[0]].append(inner)
    if not alternatives:
        yield error
        return
    for inner in min(alternatives.values(), key=_distance):
        yield from _nearest(inner)


def _distance(errors: Sequence[Any]) -> tuple[bool, int, int]:
    """Rank an alternative: its own type, then its own keys, then everything inside it."""
    own = [error for error in errors if not error.relative_path]
    wrong_type = any(error.validator == "type" for error in own)
    return wrong_type, sum(map(_weight, own)), len(errors)


def _weight(error: Any) -> int:
    unknown = _unknown_keys(error) if error.validator == "additionalProperties" else ()
    return max(1, len(unknown))


def _told(error: Any) -> Iterator[SchemaProblem]:
    position = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        for key in _unknown_keys(error):
            yield _problem(error, (*position, key), _unknown(error, key))
        return
    tell = _TELLERS.get(error.validator, lambda error: _short(error.message))
    yield _problem(error, position, tell(error))


def _problem(error: Any, position: tuple[str | int, ...], message: str) -> SchemaProblem:
    return SchemaProblem(position, message, error.validator, error.validator_value, error.instance)


def _unknown_keys(error: Any) -> tuple[str, ...]:
    known = error.schema.get("properties", {})
    patterns = error.schema.get("patternProperties", {})
    return tuple(
        key
        for key in error.instance
        if key not in known and not any(re.search(pattern, key) for pattern in patterns)
    )


def _unknown(error: Any, key: str) -> str:
    patterns = error.schema.get("patternProperties", {})
    if patterns:
        return f"{_short(key)} is not a name that is allowed here ({next(iter(patterns))})"
    return f"unknown key {_short(key)}{_meant(key, error.schema.get('properties', {}))}"


def _type(error: Any) -> str:
    wanted = error.validator_value
    names = [wanted] if isinstance(wanted, str) else wanted
    return f"must be {' or '.join(_WORDS.get(name, name) for name in names)}, is {_kind(error)}"


def _kind(error: Any) -> str:
    value = error.instance
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else _short(repr(value))


def _enum(error: Any) -> str:
    allowed = [str(value) for value in error.validator_value]
    meant = _meant(str(error.instance), allowed)
    choice = meant or f"; allowed are {', '.join(allowed[:12])}{' ...' * (len(allowed) > 12)}"
    return f"{_short(repr(error.instance))} is not allowed here{choice}"


def _required(error: Any) -> str:
    missing = [key for key in error.validator_value if key not in error.instance]
    return f"the key {', '.join(missing)} is missing"


def _one_of(error: Any) -> str:
    keys = [key for part in error.validator_value for key in part.get("required", ())]
    both = [key for key in keys if key in error.instance]
    return f"has {' and '.join(both)}, and only one of them is allowed" if both else "is ambiguous"


_TELLERS: Mapping[str, Callable[[Any], str]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "oneOf": _one_of,
    "minItems": lambda _: "must not be an empty list",
    "minProperties": lambda _: "must not be an empty mapping",
    "minLength": lambda _: "must not be empty",
}


def _meant(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word[:_SHOWN], list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _short(words: str) -> str:
    return words if len(words) <= _SHOWN * 3 else f"{words[: _SHOWN * 3]}..."
