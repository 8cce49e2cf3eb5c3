"""Patterns of a lab's that are looked for in texts of a learner's, in bounded time.

Python's own `re` cannot be told to stop; a text that drives a pattern through all of its branches
would hold up the grader.
"""

from __future__ import annotations

import functools

import regex

_SECONDS = 2.0
_LINE_LIMIT = 4096
# Texts that have nothing in common: what is found in both is found in every one.
_UNLIKE = ("", "\x00 z")


class SlowPatternError(Exception):
    """A pattern that cannot be looked for in a text in bounded time."""


def refuse_bad_pattern(pattern: str) -> None:
    """Raise ValueError for what is no pattern, or stands in every text."""
    try:
        compiled = _compile(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    if all(compiled.search(text) for text in _UNLIKE):
        raise ValueError(f"{pattern!r} matches every text, so nothing can miss it")


def is_found(pattern: str, text: str) -> bool:
    """Whether a pattern matches somewhere in a text; `^` and `$` match at each line.

    Raises SlowPatternError where that is not known in bounded time.
    """
    try:
        return _compile(pattern).search(text, timeout=_SECONDS) is not None
    except TimeoutError as error:
        raise SlowPatternError(pattern) from error


def is_in_line(pattern: str, line: str) -> bool:
    """Whether a pattern matches in the beginning of a line; one that takes too long does not."""
    try:
        return is_found(pattern, line[:_LINE_LIMIT])
    except SlowPatternError:
        return False


@functools.lru_cache(maxsize=256)
def _compile(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern, regex.MULTILINE)
