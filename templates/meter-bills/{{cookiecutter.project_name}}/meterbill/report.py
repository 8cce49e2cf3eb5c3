"""A bill in words."""

from __future__ import annotations

from meterbill.readings import Reading


def format_bill(account: str, readings: list[Reading], cents: int) -> str:
    """Return the line that says what an account has to pay."""
    return f"account {account}: {cents // 100}.{cents % 100:02} EUR"
