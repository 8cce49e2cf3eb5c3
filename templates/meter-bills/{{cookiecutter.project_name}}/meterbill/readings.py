"""Meter readings, as the grid operator sends them: a CSV file with a line for each meter."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

# After its last number a meter begins at 0 again.
METER_END = 100_000


@dataclass(frozen=True)
class Reading:
    """What a meter said at the beginning and at the end of a month, in kWh."""

    account: str
    meter: str
    before: int
    after: int
    night: int
    plan: str

    def count_used(self) -> int:
        """Return how many kWh were used in the month."""
        used = self.after - self.before
        return used if used >= 0 else used + METER_END


def read_file(path: Path) -> list[Reading]:
    """Return the readings in a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Reading(
                account=row["account"],
                meter=row["meter"],
                before=int(row["before"]),
                after=int(row["after"]),
                night=int(row["night"]),
                plan=row["plan"],
            )
            for row in csv.DictReader(file)
        ]


def find_readings(readings: list[Reading], account: str) -> list[Reading]:
    """Return the readings of an account; raises LookupError for one that is not there."""
    found = [one for one in readings if one.account == account]
    if not found:
        raise LookupError(f"there is no account {account}")
    return found
