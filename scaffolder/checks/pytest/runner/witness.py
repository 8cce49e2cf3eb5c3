"""What a test did and saw, as far as its record tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CommandResult:
    """A command that came to its end."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass
class Witness:
    """What was done last in a test, for the evidence of its failure."""

    ran: str = ""
    log: Callable[[], Sequence[str]] = tuple
    findings: list[dict[str, Any]] = field(default_factory=list)
