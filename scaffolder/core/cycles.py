"""What waits for itself, by way of others."""

from __future__ import annotations

from collections.abc import Mapping


def find_cycle(needs: Mapping[str, tuple[str, ...]], start: str) -> tuple[str, ...]:
    """Return a way from `start` back to itself along `needs`, or nothing."""
    ways: list[tuple[str, ...]] = [(start,)]
    visited: set[str] = set()
    while ways:
        way = ways.pop()
        for needed in needs.get(way[-1], ()):
            if needed == start:
                return (*way, start)
            if needed not in visited:
                visited.add(needed)
                ways.append((*way, needed))
    return ()
