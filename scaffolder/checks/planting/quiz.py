"""A question that only the code of a planted test can answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quiz:
    """What the code of a planted test works out, and nothing else in the copy does."""

    factor: int
    addend: int
    modulus: int

    def answer(self, number: int) -> int:
        """Return what the planted test answers."""
        return (number * self.factor + self.addend) % self.modulus
