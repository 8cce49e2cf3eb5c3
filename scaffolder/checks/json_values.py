"""What a JSON value must hold: for output, data files and answers of programs alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from msgspec import UNSET, UnsetType

# What of a value a message shows.
_SHOWN = 80


@dataclass(frozen=True)
class Miss:
    """A place of a value that is not as expected.

    `keys` lead there from the root; they are empty where an expression was asked, which `words`
    then name. `expected` and `actual` are JSON in one line, shortened.
    """

    words: str
    expected: str
    actual: str
    keys: tuple[str | int, ...] = ()


class JsonExpectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a JSON value must hold.

    `has` is a part of it: of objects the keys that count, with what they hold; a list counts as a
    whole, its elements by part. `where` says what JMESPath expressions (https://jmespath.org) must
    give: {"length(items)": 3, "items[0].price > `2`": true}. Numbers are equal by value, and true
    is no number.
    """

    has: Any = UNSET
    where: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        """Refuse an expectation that nothing can miss, and what is no JMESPath."""
        if isinstance(self.has, UnsetType) and not self.where:
            raise ValueError("give `has` or `where`, otherwise everything holds")
        for expression in self.where:
            try:
                jmespath.search(expression, None)
            except (JMESPathTypeError, ArithmeticError):
                pass  # Null is not what it asks for; the value that comes may be.
            except JMESPathError as error:
                told = " ".join(str(error).split())
                raise ValueError(f"{expression!r} is not a JMESPath expression: {told}") from None

    def list_misses(self, value: Any) -> list[Miss]:
        """Return where `value` is not as expected, in the order of the expectation."""
        missed = [] if isinstance(self.has, UnsetType) else list(_compare(self.has, value, ()))
        return missed + [
            miss
            for expression, expected in self.where.items()
            for miss in _ask(expression, expected, value)
        ]


def show_json(value: Any, limit: int = _SHOWN) -> str:
    """Return a value as JSON in one line of at most `limit` characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def format_keys(keys: tuple[str | int, ...]) -> str:
    """Return the way to a place as people write it: `services.web.ports[0]`."""
    told = ""
    for key in keys:
        if isinstance(key, int):
            told += f"[{key}]"
        elif key.replace("_", "a").replace("-", "a").isalnum():
            told += f".{key}" if told else key
        else:
            told += f"[{json.dumps(key, ensure_ascii=False)}]"
    return told


def is_same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; Python alone holds 1 and true for the same."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same_json(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _compare(expected: Any, actual: Any, keys: tuple[str | int, ...]) -> Iterator[Miss]:
    where = format_keys(keys) or "the whole"
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            if key in actual:
                yield from _compare(value, actual[key], (*keys, key))
            else:
                shown = show_json(list(actual))
                yield Miss(f"{format_keys((*keys, key))} is missing", show_json(value), shown, keys)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) == len(actual):
            for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
                yield from _compare(one, other, (*keys, number))
        else:
            yield Miss(f"{where} is another list", show_json(expected), show_json(actual), keys)
    elif not is_same_json(expected, actual):
        yield Miss(f"{where} is another value", show_json(expected), show_json(actual), keys)


def _ask(expression: str, expected: Any, value: Any) -> Iterator[Miss]:
    try:
        actual = jmespath.search(expression, value)
    except (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError) as error:
        told = " ".join(str(error).split())
        yield Miss(f"{expression} cannot be asked here", show_json(expected), told[:_SHOWN])
        return
    if not is_same_json(expected, actual):
        yield Miss(f"{expression} gives another value", show_json(expected), show_json(actual))
