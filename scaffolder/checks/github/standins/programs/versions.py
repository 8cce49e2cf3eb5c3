"""Which Python a request such as "3.12", "3.x" or ">=3.11" means on a hosted runner."""

from __future__ import annotations

import re

# What actions/setup-python finds for ubuntu-24.04 in github.com/actions/python-versions.
RELEASED = range(8, 15)
PRERELEASE = 15

_EXACT = re.compile(r"v?3\.(\d+)(?:\.(\d+|x|\*))?(?:-dev|t|t-dev)?$")
_TERM = re.compile(
    r"(\^|~=?|==?=?|>=|<=|>|<|!=)?\s*v?3(?:\.(\d+|x|\*))?(?:\.(?:\d+|x|\*))?(?:-\S+)?$"
)


def minor_of(request: str, prereleases: bool = False) -> int | None:
    """Return the minor version of Python 3 that a hosted runner would give, None for none."""
    offered = [*RELEASED, PRERELEASE] if prereleases or "-dev" in request else [*RELEASED]
    exact = _EXACT.match(request)
    if exact:
        minor = int(exact[1])
        return minor if minor in offered else None
    terms = [term for term in re.split(r"[,\s]+", _joined(request)) if term]
    fitting = [minor for minor in offered if terms and all(_fits(term, minor) for term in terms)]
    return max(fitting, default=None)


def _joined(request: str) -> str:
    """Return a range without blanks between an operator and its version."""
    return re.sub(r"([<>=~^!])\s+", r"\1", request)


def _fits(term: str, minor: int) -> bool:
    match = _TERM.match(term)
    if match is None:
        return False
    operator, number = match[1] or "=", match[2]
    if number is None or not number.isdigit():
        return operator in ("=", "==", "^", "~", ">=")
    bound = int(number)
    return {
        "^": minor >= bound,
        "~": minor == bound,
        "~=": minor >= bound,
        ">=": minor >= bound,
        "<=": minor <= bound,
        ">": minor > bound,
        "<": minor < bound,
        "!=": minor != bound,
    }.get(operator, minor == bound)
