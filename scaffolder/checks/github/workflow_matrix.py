"""The legs of a job's matrix, in GitHub's order, as far as they can be told without running it.

https://docs.github.com/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scaffolder.checks.github.workflow_model import ensure_mapping, format_scalar

LEG_LIMIT = 256
# As many combinations are looked at; a matrix of more is too large whatever it excludes.
_COMBINATIONS_LIMIT = 20_000
Leg = Mapping[str, Any]


def expand_matrix(job: Mapping[str, Any]) -> tuple[Leg, ...] | None:
    """Return the legs of a job, one without values where there is no matrix.

    None where an expression makes them, or where there are more than GitHub takes.
    """
    legs = _all_legs(job)
    return None if legs is None or len(legs) > LEG_LIMIT else legs


def is_too_large(job: Mapping[str, Any]) -> bool:
    """Whether a job's matrix, so far as no expression makes it, has more legs than GitHub takes."""
    legs = _all_legs(job)
    return legs is not None and len(legs) > LEG_LIMIT


def _all_legs(job: Mapping[str, Any]) -> tuple[Leg, ...] | None:
    """Return the legs of a job, not much more than can be too many, or None where none can tell."""
    strategy = job.get("strategy", {})
    if isinstance(strategy, dict) and "matrix" not in strategy:
        return ({},)
    matrix = ensure_mapping(strategy).get("matrix")
    if not isinstance(matrix, dict) or _has_expression(matrix):
        return None
    vectors = {
        str(name): values if isinstance(values, list) else []
        for name, values in matrix.items()
        if name not in ("include", "exclude")
    }
    product = math.prod(map(len, vectors.values())) if vectors else 0
    combined = itertools.product(*vectors.values()) if vectors else iter(())
    legs = [dict(zip(vectors, values, strict=True)) for values in _some(combined)]
    if product <= _COMBINATIONS_LIMIT:
        excluded = list(_mappings(matrix.get("exclude")))
        legs = [leg for leg in legs if not any(_matches(each, leg) for each in excluded)]
    if len(legs) > LEG_LIMIT:
        return tuple(legs[: LEG_LIMIT + 1])
    return tuple(_included(legs, list(_mappings(matrix.get("include"))), vectors))


def _some(combined: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return itertools.islice(combined, _COMBINATIONS_LIMIT)


def _included(
    legs: Sequence[Leg], included: Sequence[Leg], vectors: Mapping[str, Any]
) -> Iterator[Leg]:
    """Yield the legs with what `include` adds to them, then those that it adds on its own."""
    used: set[int] = set()
    for leg in legs:
        extra: dict[str, Any] = {}
        for index, each in enumerate(included):
            if _matches({name: each[name] for name in each if name in vectors}, leg):
                used.add(index)
                extra |= {name: value for name, value in each.items() if name not in vectors}
        yield {**leg, **extra}
    yield from (each for index, each in enumerate(included) if index not in used)


def _matches(filters: Leg, leg: Leg) -> bool:
    return all(name in leg and _alike(value, leg[name]) for name, value in filters.items())


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(name in other and _alike(one[name], other[name]) for name in one)
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return bool(one == other)
    return format_scalar(one).lower() == format_scalar(other).lower()


def _mappings(value: Any) -> Iterator[Leg]:
    for part in value if isinstance(value, list) else []:
        if isinstance(part, dict):
            yield part


def _has_expression(value: Any) -> bool:
    if isinstance(value, dict):
        return any("${{" in str(name) or _has_expression(part) for name, part in value.items())
    if isinstance(value, list):
        return any(map(_has_expression, value))
    return isinstance(value, str) and "${{" in value
