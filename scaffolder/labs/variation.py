"""What differs from learner to learner: names, numbers, tokens and faults, derived from an id.

The same id gives the same values, on every machine, in every version of Python and of devlab that
knows this scheme. Each value is a function of the scheme, the lab, the learner's id and the
variable's own name and possibilities, and of nothing else: what a lab lets vary besides does not
move it. HMAC-SHA-256 (RFC 2104) keeps these four apart; there is no secret in it, for what is
derived is no secret either: it stands in the learner's README.

Among words, choices and faults wins the one that weighs most (rendezvous hashing), so neither their
order matters nor, for most learners, that one was added.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from scaffolder.model.variation import Possibilities, Variation

SCHEME = b"devlab.variation/1"
# No letter or digit that is taken for another one, and none that makes words of its own.
_TOKEN_ALPHABET = "bcdfghjkmnpqrstvwxz23456789"  # noqa: S105 -- what tokens are made of, not one
_TOKEN_LETTERS = "bcdfghjkmnpqrstvwxz"  # noqa: S105

# `{{ name }}`, but not GitHub's `${{ name }}`.
_REFERENCE = re.compile(r"(?<!\$)\{\{ *([a-z_][a-z0-9_]*) *\}\}")
_WHOLE = re.compile(r"-?[0-9]+")
Position = tuple[str | int, ...]

# An id like any other, where some learner's lab is to be looked at.
EXAMPLE = "learner-1"
# Ids that a proof tries, so many at least, and where it gives up to look for one more fault.
_FEWEST_EXAMPLES = 2
_MOST_EXAMPLES = 100


def derive_variables(variation: Variation, lab_id: str, learner: str) -> dict[str, str]:
    """Return the value of every variable that a lab lets vary, for a normalised id.

    Without an id, of the lab's own variables the defaults; those of its template have none here.
    """
    if not learner:
        own = variation.variables.items()
        return {name: one.default for name, one in own if one.default is not None}
    return {
        name: _value(one, (lab_id, learner, "variable", name))
        for name, one in variation.variables.items()
    }


def choose_faults(variation: Variation, lab_id: str, learner: str) -> dict[str, str]:
    """Return, for each fault that others may stand in for, the one that is planted instead.

    Nothing without an id.
    """
    if not learner:
        return {}
    return {
        name: _heaviest((name, *others), (lab_id, learner, "fault", name))
        for name, others in variation.faults.items()
    }


def choose_example_learners(variation: Variation, lab_id: str) -> tuple[str, ...]:
    """Return ids with which every fault is planted that may be, as few as are easily found."""
    open_faults = {
        (name, one) for name, others in variation.faults.items() for one in (name, *others)
    }
    found: list[str] = []
    for number in range(1, _MOST_EXAMPLES + 1):
        learner = f"learner-{number}"
        planted = set(choose_faults(variation, lab_id, learner).items())
        if len(found) < _FEWEST_EXAMPLES or planted & open_faults:
            found.append(learner)
            open_faults -= planted
        elif not open_faults:
            break
    return tuple(found)


def count_possibilities(one: Possibilities) -> int:
    """Return how many values a variable can have."""
    if one.range is not None:
        return one.range[1] - one.range[0] + 1
    if one.token:
        return int(len(_TOKEN_LETTERS) * len(_TOKEN_ALPHABET) ** (one.token - 1))
    return len(one.choices) or math.prod(len(words) for words in one.words)


def allows(one: Possibilities, value: str) -> bool:
    """Whether a value is one of those that a variable can have."""
    if one.range is not None:
        # Python reads no numbers of thousands of digits, and a manifest may have one.
        short = len(value) <= max(len(str(end)) for end in one.range)
        plain = short and _WHOLE.fullmatch(value) is not None and str(int(value)) == value
        return plain and one.range[0] <= int(value) <= one.range[1]
    if one.token:
        known = set(value) <= set(_TOKEN_ALPHABET) and value[:1] in _TOKEN_LETTERS
        return known and len(value) == one.token
    return value in one.choices or value in _phrases(one.words)


def list_samples(one: Possibilities) -> Iterator[str]:
    """Yield values of a variable that show whether all of them fit: its ends, every word."""
    if one.range is not None:
        yield from map(str, one.range)
    elif one.token:
        yield from (_TOKEN_LETTERS[0] * one.token, _TOKEN_LETTERS[0] + "9" * (one.token - 1))
    yield from one.choices
    longest = [max(words, key=len) for words in one.words]
    for place, words in enumerate(one.words):
        for word in words:
            yield "-".join([*longest[:place], word, *longest[place + 1 :]])


def find_problem(one: Possibilities) -> str:
    """Return what is wrong with what a variable can be, nothing where it is sound."""
    ways = [one.range is not None, bool(one.choices), bool(one.words), one.token > 0]
    if sum(ways) != 1:
        return "says how it varies by one of range, choices, words and token"
    if count_possibilities(one) < 2:
        return "needs at least two different values"
    listed = (one.choices, *one.words)
    if any(len(set(words)) < len(words) for words in listed):
        return "names a value twice"
    if not all(
        word and word.isprintable() and word == word.strip() for each in listed for word in each
    ):
        return "has a value that is empty or cannot be seen whole"
    numeric = one.default is None or one.range is None or _WHOLE.fullmatch(one.default) is not None
    return "" if numeric else "has a range, so its default is a whole number"


def find_references(data: Any, position: Position = ()) -> Iterator[tuple[str, Position]]:
    """Yield each name in `{{ name }}` of a document's texts, and where that text stands."""
    if isinstance(data, str):
        yield from ((name, position) for name in _REFERENCE.findall(data))
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from find_references(value, (*position, key))
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from find_references(value, (*position, index))


def fill(data: Any, values: Mapping[str, str], variation: Variation) -> Any:
    """Return a document with every `{{ name }}` in its texts replaced, where the name has a value.

    A text that is nothing but the name of a variable with a range becomes a number.
    """
    if isinstance(data, str):
        whole = _REFERENCE.fullmatch(data)
        varied = variation.variables.get(whole[1]) if whole else None
        if whole and varied and varied.range is not None and whole[1] in values:
            return int(values[whole[1]])
        return _REFERENCE.sub(lambda found: values.get(found[1], found[0]), data)
    if isinstance(data, Mapping):
        return {key: fill(value, values, variation) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [fill(value, values, variation) for value in data]
    return data


def _value(one: Possibilities, domain: Sequence[str]) -> str:
    if one.range is not None:
        return str(one.range[0] + _number(domain) % count_possibilities(one))
    if one.token:
        return "".join(_token(_number(domain), one.token))
    if one.choices:
        return _heaviest(one.choices, domain)
    return "-".join(
        _heaviest(words, (*domain, str(place))) for place, words in enumerate(one.words)
    )


def _token(number: int, length: int) -> Iterator[str]:
    """Yield the signs of a token; it begins with a letter, so that it may be a name as well."""
    for place in range(length):
        alphabet = _TOKEN_ALPHABET if place else _TOKEN_LETTERS
        number, digit = divmod(number, len(alphabet))
        yield alphabet[digit]


def _heaviest(names: Iterable[str], domain: Sequence[str]) -> str:
    return max(names, key=lambda name: _number((*domain, name)))


def _number(domain: Sequence[str]) -> int:
    """Return a number below 2**256 that stands for the texts in `domain`, each with its length."""
    told = b"".join(b"%d:%s" % (len(one), one) for one in map(str.encode, domain))
    return int.from_bytes(hmac.digest(SCHEME, told, hashlib.sha256), "big")


def _phrases(lists: Sequence[Sequence[str]]) -> set[str]:
    phrases = set(lists[0]) if lists else set()
    for words in lists[1:]:
        phrases = {f"{begun}-{word}" for begun in phrases for word in words}
    return phrases
