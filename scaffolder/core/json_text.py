"""Read JSON that somebody else had a hand in: bounded, and with one sort of failure.

Python's reader raises RecursionError on what is nested deeply, and ValueError on whole numbers of
thousands of digits, which are good JSON. Both would be taken for errors of ours.
"""

from __future__ import annotations

import json
from typing import Any

DEPTH_LIMIT = 100
_DIGITS_LIMIT = 4000


class TooDeepError(ValueError):
    """JSON, but nested deeper than DEPTH_LIMIT."""


def load_json(text: str) -> Any:
    """Return what a JSON document holds; a whole number that is too long is a float.

    Raises ValueError for what is no JSON, TooDeepError for what is nested too deeply.
    """
    try:
        data = json.loads(text, parse_int=_number)
    except RecursionError as error:
        raise TooDeepError(f"nested more than {DEPTH_LIMIT} levels deep") from error
    if is_too_deep(data):
        raise TooDeepError(f"nested more than {DEPTH_LIMIT} levels deep")
    return data


def _number(text: str) -> int | float:
    return int(text) if len(text) <= _DIGITS_LIMIT else float(text)


def is_too_deep(data: Any) -> bool:
    """Whether lists and mappings lie in each other more than DEPTH_LIMIT deep."""
    level = [data]
    for _ in range(DEPTH_LIMIT):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
