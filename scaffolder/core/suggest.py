"""The nearest known name to one that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest_name(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
