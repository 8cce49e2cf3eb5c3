"""What a user should hear about their records: said once for each run of devlab, never an error."""

from __future__ import annotations

_waiting: list[str] = []
_said: set[str] = set()


def say(text: str) -> None:
    """Keep a sentence for the user, unless this run of devlab said it already."""
    if text not in _said:
        _said.add(text)
        _waiting.append(text)


def take() -> tuple[str, ...]:
    """Return what waits to be said, and forget it."""
    taken = tuple(_waiting)
    del _waiting[: len(taken)]
    return taken
