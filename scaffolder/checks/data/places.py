"""A data document with the place of each of its parts, whatever it was written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The way from the root: keys of objects, and indexes of lists.
Keys = tuple[str | int, ...]


class DataError(Exception):
    """A text that is not what it should be; `line` counts from 1, `rule` is for hints.

    The message goes on behind the file's name: "is no JSON: ...".
    """

    def __init__(self, message: str, line: int = 1, rule: str = "syntax") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.rule = rule


@dataclass(frozen=True)
class DataDocument:
    """What a document holds, as JSON has it, and the line of each part."""

    data: Any
    lines: Mapping[Keys, int] = field(repr=False)

    def find_line(self, keys: Keys) -> int:
        """Return the line of a part, or of the nearest part around it that is there."""
        around = (self.lines.get(keys[:length]) for length in range(len(keys), -1, -1))
        return next((line for line in around if line is not None), 1)


def make_twice_error(key: str, line: int) -> DataError:
    """Return the error of a key that stands twice; of the two, readers take either."""
    return DataError(f"has the key {key!r} twice", line, "key-twice")
