"""What a customer has to pay."""

from __future__ import annotations

from meterbill import tariff
from meterbill.readings import Reading


def count_cents(readings: list[Reading]) -> int:
    """Return what all readings of a customer come to, in cents."""
    used = sum(one.count_used() for one in readings)
    return round_tenths(used * tariff.RATE)


def round_tenths(tenths: int) -> int:
    """Return tenths of a cent in cents; half a cent is one."""
    return (tenths + 5) // 10
