"""Draw values anew in each run: good ones and bad ones that no list of known ones holds.

Whoever knows what is always tried can refuse just that, or take just that. Only what the lab states
is drawn from, as for near misses.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from typing import Any

from scaffolder.checks.terraform.near import Values, breaks_stated, is_number

_BAD = 4
_GOOD = 2
_ATTEMPTS = 400
_FOREIGN = "_.,:/ ABCDEFXYZ\u00e9\u00df"
_LETTERS = string.ascii_lowercase
_FAR = 50_000


def draw_bad_values(values: Values, draw: random.Random) -> tuple[Any, ...]:
    """Return values that break a rule which the lab states."""
    if not values.near_misses:
        return ()
    make = _number_outside if _are_numbers(values) else _text_outside
    return _some(_BAD, values, draw, make, bad=True)


def draw_good_values(values: Values, draw: random.Random) -> tuple[Any, ...]:
    """Return values within the rules of the lab, where it states them all."""
    if not values.near_misses or values.only or not _are_complete(values):
        return ()
    make = _number_inside if _are_numbers(values) else _text_inside
    return _some(_GOOD, values, draw, make, bad=False)


def _are_numbers(values: Values) -> bool:
    return all(is_number(one) for one in values.good)


def _are_complete(values: Values) -> bool:
    """Whether a stated rule says of each bad value why it is one."""
    numbers = _are_numbers(values)
    if not (values.pattern or values.length or values.range):
        return False
    return all(
        breaks_stated(values, one)
        or (isinstance(one, str) and (not one.strip() or (numbers and not _reads_as_number(one))))
        for one in values.bad
    )


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _some(
    count: int,
    values: Values,
    draw: random.Random,
    make: Callable[[Values, random.Random], Iterator[Any]],
    *,
    bad: bool,
) -> tuple[Any, ...]:
    known = {repr(one) for one in (*values.good, *values.bad, *values.undecided)}
    found: dict[str, Any] = {}
    for _ in range(_ATTEMPTS):
        for one in make(values, draw):
            if len(found) < count and repr(one) not in known and breaks_stated(values, one) is bad:
                found[repr(one)] = one
    return tuple(found.values())


def _text_outside(values: Values, draw: random.Random) -> Iterator[str]:
    model = str(draw.choice(values.good))
    at = draw.randrange(len(model) + 1)
    if values.only:
        yield "".join(draw.choices(_LETTERS, k=draw.randint(2, 10)))
        yield model[:at] + draw.choice(_LETTERS) + model[at:]
    if values.pattern:
        yield model[:at] + draw.choice(_FOREIGN) + model[at:]
        yield model + "".join(draw.choices(_LETTERS, k=draw.randint(1, 60)))
    if values.length:
        yield "".join(draw.choices(_LETTERS, k=values.length[1] + draw.randint(1, 60)))


def _text_inside(values: Values, draw: random.Random) -> Iterator[str]:
    lengths = values.length or (1, max(len(str(one)) for one in values.good))
    letters = "".join(sorted({*"".join(str(one) for one in values.good)})) or _LETTERS
    usual = [one for one in letters if one.isascii() and (one.isalnum() or one in "-_ ")]
    size = draw.randint(max(lengths[0], 1), lengths[1])
    text = "".join(draw.choices(usual or _LETTERS, k=size))
    # At its ends a blank is not everybody's idea of a good text.
    if text.strip() == text:
        yield text


def _number_outside(values: Values, draw: random.Random) -> Iterator[float]:
    if values.range:
        least, most = values.range
        yield int(least) - draw.randint(1, _FAR)
        yield int(most) + draw.randint(1, _FAR)
    if values.whole:
        low, high = values.range or (min(values.good), max(values.good))
        yield draw.randint(int(low), int(high)) + draw.choice((0.1, 0.25, 0.75))


def _number_inside(values: Values, draw: random.Random) -> Iterator[int]:
    if values.range:
        least, most = values.range
        yield draw.randint(int(least), int(most))
