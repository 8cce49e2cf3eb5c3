"""Derive, from what a lab calls good and bad, the values that nearly are good and must be refused.

Only what the lab decides is derived: a near miss breaks a rule that the lab states (`only`,
`pattern`, `length`, `range`, `whole`), or one that its values leave no doubt about. So an answer
that is right by what the lab says never fails on one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_BLANKS = ("\t", "\n", "\r\n", " \t \n ")
_AROUND = (" ", "\t", "\n", "\u00a0")
# How many of the good texts are taken as models; the first is tried in most ways.
_MODELS = 4


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that a variable must take (at least one), and values that it must refuse.

    The others say what else is refused: `only` everything but `good`; `pattern` texts that it does
    not match as a whole; `length` (least, most) and `range` (least, most) what lies outside;
    `whole` numbers with a fraction. `undecided` are values that are not tried, and
    `near_misses: false` derives none.
    """

    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    only: bool = False
    pattern: str = ""
    length: tuple[int, int] | None = None
    range: tuple[float, float] | None = None
    whole: bool = False
    undecided: tuple[Any, ...] = ()
    near_misses: bool = True

    def __post_init__(self) -> None:
        if not self.good or not self.bad:
            raise ValueError("good and bad need one value each at least")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        wrong = [value for value in self.good if breaks_stated(self, value)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is called good, and breaks what is said beside it")


def derive_near_misses(values: Values) -> tuple[Any, ...]:
    """Return the values that are nearly good and must be refused, without those in `bad`."""
    if not values.near_misses:
        return ()
    texts = [one for one in values.good if isinstance(one, str)]
    if len(texts) == len(values.good) and all(texts):
        found: Iterator[Any] = (
            one for one in _near_texts(texts, values) if _is_bad_text(one, values)
        )
    elif not texts and all(is_number(one) for one in values.good):
        found = _near_numbers(values)
    else:
        return ()
    known = {repr(one) for one in (*values.good, *values.bad, *values.undecided)}
    return tuple({repr(one): one for one in found if repr(one) not in known}.values())


def _near_texts(texts: Sequence[str], values: Values) -> Iterator[str]:
    for text in texts[:_MODELS]:
        yield from (f"x{text}", f"{text}x", f"x{text}x", text.upper(), text.capitalize())
        # The shortest one that is good has neighbours that are too short.
        yield from (text[:-1], text[1:])
    if max(texts, key=len) not in texts[:_MODELS]:
        longest = max(texts, key=len)
        yield from (f"x{longest}", f"{longest}x")
    text = texts[0]
    yield from (text[0] + text, text + text[-1:], text.swapcase())
    yield from (f"-{text}", f"{text}-", f"{text}é", f"{text}_1", f"{text}.1", f"{text},{text}")
    for blank in _AROUND:
        yield from (f"{blank}{text}", f"{text}{blank}")
    if len(texts) > 1:
        yield from (",".join(texts), "|".join(texts), f"{texts[0]}\n{texts[1]}")
    yield from ("", *_BLANKS)
    if values.length is not None:
        least, most = values.length
        yield from (_of_length(texts[0], most + 1), _of_length(texts[0], max(least - 1, 0)))


def _of_length(text: str, length: int) -> str:
    return (text * (length // max(len(text), 1) + 1))[:length]


def _is_bad_text(text: str, values: Values) -> bool:
    texts = [one for one in values.good if isinstance(one, str)]
    bad = [one for one in values.bad if isinstance(one, str)]
    if text in texts:
        return False
    if breaks_stated(values, text) or _is_list(texts, bad):
        return True
    if not text.strip():
        return any(one and not one.strip() and one.isascii() for one in bad)
    if _are_names(texts, bad):
        folded = {one.lower() for one in texts}
        case_matters = any(one.lower() in folded for one in bad)
        return bool(text.strip() != text or (case_matters and text.lower() in folded))
    return False


def breaks_stated(values: Values, value: Any) -> bool:
    """Whether a value breaks a rule that the lab states."""
    if isinstance(value, str):
        least, most = values.length or (0, len(value))
        matches = not values.pattern or re.fullmatch(values.pattern, value) is not None
        return not matches or not least <= len(value) <= most or _outside(values, value)
    if is_number(value):
        low, high = values.range or (value, value)
        return not low <= value <= high or (values.whole and value != int(value))
    return False


def _outside(values: Values, text: str) -> bool:
    return values.only and text not in values.good


def _is_list(texts: Sequence[str], bad: Sequence[str]) -> bool:
    """Whether the good texts are all there are.

    They are where another word is bad that no length tells from them. One that begins or ends with
    one of them, such as production, is not told by its length either, unless that is the longest.
    """
    words = [one for one in (*texts, *bad) if one.isascii() and one.isalpha() and one.islower()]
    if not set(texts) <= set(words) or len(texts) < 2:
        return False
    lengths = [len(one) for one in texts]
    longest = max(texts, key=len)
    shorter = [one for one in texts if not longest.startswith(one) and not longest.endswith(one)]
    return any(
        min(lengths) <= len(word) <= max(lengths)
        or any(word.startswith(one) or word.endswith(one) for one in shorter)
        for word in words
        if word not in texts
    )


def _are_names(texts: Sequence[str], bad: Sequence[str]) -> bool:
    """Whether the good texts are names, of which more than the length matters."""
    return all(_NAME.fullmatch(one) for one in texts) and any(_NAME.fullmatch(one) for one in bad)


def is_number(value: Any) -> bool:
    """Whether a value is a number, which True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _near_numbers(values: Values) -> Iterator[Any]:
    stated = values.range is not None
    if values.range is not None:
        least, most = (int(one) if one == int(one) else one for one in values.range)
        yield from (least - 1, most + 1, least - 0.5, most + 0.5, -abs(most))
    if values.whole:
        yield from (one + 0.5 for one in values.good[:_MODELS])
        yield str(values.good[0]) + ".5"
    # Text that is a number is one to Terraform; what has more around it is none.
    if stated or values.whole or any(isinstance(one, str) for one in values.bad):
        number = str(values.good[0])
        for blank in _AROUND:
            yield from (f"{blank}{number}", f"{number}{blank}")
        yield from (f"{number}x", f"x{number}", f"{number},{number}", f"{number}/tcp", "")
