"""JSON with the line of each part: Python's reader decides what is JSON, a scan where it stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from scaffolder.checks.data.places import DataDocument, DataError, Keys, make_twice_error
from scaffolder.core.json_text import TooDeepError, load_json

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
# Python's reader takes them, and nobody else's does.
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})


def read_json(text: str) -> tuple[DataDocument, ...]:
    """Return the one document of a text; raises DataError, also for a key that stands twice."""
    try:
        data = load_json(text)
    except TooDeepError as error:
        raise DataError(f"is {error}") from error
    except json.JSONDecodeError as error:
        raise DataError(f"is no JSON: {error.msg}", error.lineno) from error
    except ValueError as error:
        raise DataError(f"is no JSON: {error}") from error
    return (DataDocument(data, _Scan(text).lines),)


@dataclass
class _Open:
    """An object or a list that has begun: its place, and where in it the next value belongs."""

    keys: Keys
    key: str | int | None
    seen: set[str]
    is_list: bool


class _Scan:
    """Notes where the parts of a text that is JSON stand."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Keys, int] = {}
        self._open: list[_Open] = []
        line, at = 1, 0
        for found in _WORD.finditer(text):
            line += text.count("\n", at, found.start())
            at = found.start()
            self._take(found[0], line)

    def _take(self, word: str, line: int) -> None:
        inner = self._open[-1] if self._open else None
        if word in ("{", "["):
            place = self._begin_value(line)
            is_list = word == "["
            self._open.append(_Open(place, 0 if is_list else None, set(), is_list))
        elif word in ("}", "]"):
            self._open.pop()
        elif word == ",":
            self._go_on()
        elif inner is not None and not inner.is_list and inner.key is None:
            self._begin_key(inner, word, line)
        elif word in _NO_NUMBERS:
            raise DataError(f"is no JSON: {word} is no number of it", line)
        elif word != ":":
            self._begin_value(line)

    def _begin_key(self, inner: _Open, word: str, line: int) -> None:
        key = json.loads(word)
        if key in inner.seen:
            raise make_twice_error(key, line)
        inner.seen.add(key)
        inner.key = key
        self.lines[(*inner.keys, key)] = line

    def _begin_value(self, line: int) -> Keys:
        inner = self._open[-1] if self._open else None
        place = () if inner is None or inner.key is None else (*inner.keys, inner.key)
        # A member's line is that of its key.
        self.lines.setdefault(place, line)
        return place

    def _go_on(self) -> None:
        inner = self._open[-1]
        inner.key = inner.key + 1 if isinstance(inner.key, int) else None
