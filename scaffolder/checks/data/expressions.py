"""Where in a document a JMESPath expression begins to look."""

from __future__ import annotations

import re

from scaffolder.checks.data.places import Keys

_CALL = re.compile(r"\s*\w+\(\s*")
_PART = re.compile(
    r'\.?(?:(?P<plain>[A-Za-z_]\w*)(?!\w*\()|"(?P<quoted>[^"\\]+)")|\[(?P<index>\d+)\]'
)


def find_beginning(expression: str) -> Keys:
    """Return the keys that an expression names first: `length(items[0].ports)` begins there."""
    at = 0
    while found := _CALL.match(expression, at):
        at = found.end()
    keys: list[str | int] = []
    while found := _PART.match(expression, at):
        keys.append(int(found["index"]) if found["index"] else found["plain"] or found["quoted"])
        at = found.end()
    return tuple(keys)
