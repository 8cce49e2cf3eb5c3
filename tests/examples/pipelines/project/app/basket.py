"""What is in a basket, and what it costs."""

from __future__ import annotations


def add_up(prices: list[int]) -> int:
    """Return the sum of prices."""
    total = 0
    for price in prices:
        total += price
    return total
