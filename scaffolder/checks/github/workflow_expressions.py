"""What a cache key is made of: `${{ }}` expressions taken apart, never evaluated.

https://docs.github.com/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scaffolder.checks.github.workflow_language import LENGTH_LIMIT
from scaffolder.core.lines import split_lines

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w.\-]*)|(?P<sign>==|!=|&&|\|\||<=|>=|.))",
    re.DOTALL,
)
_WHOLE = re.compile(r"\$\{\{\s*([\w.\-]+)\s*\}\}")
_ARGUMENT = re.compile(r"(?<=[(,\s])(?:env|matrix)\.[\w\-]+(?=\s*[,)])")
# Functions that hand on what they are given; all others (contains, startsWith) lose it.
_PASSES_ON = frozenset({"hashfiles", "format", "join", "tojson"})
# Different in every run, so a key with one of them is never found again.
VOLATILE = frozenset(
    {"github.sha", "github.run_id", "github.run_number", "github.run_attempt", "github.event.after"}
)


@dataclass(frozen=True)
class CacheKey:
    """A cache key: the patterns that it hashes, the contexts it names, and whether it can hit.

    `hashes` holds the literal arguments of each hashFiles call, `names` every context in lower
    case (github.sha, steps.x.outputs.y).
    """

    hashes: tuple[tuple[str, ...], ...]
    names: frozenset[str]

    @property
    def volatile(self) -> tuple[str, ...]:
        """The names that differ in every run."""
        return tuple(sorted(self.names & VOLATILE))


def read_key(text: str, known: Mapping[str, str]) -> CacheKey:
    """Take a key apart; `known` is what its `env.NAME` and the like stand for.

    An expression that compares or tests (`hashFiles(...) != ''`) yields a constant, so its
    hashFiles calls do not count.
    """
    hashes: list[tuple[str, ...]] = []
    names: set[str] = set()
    for expression in list_expressions(fill_known(text, known)):
        tokens = _tokens(expression)
        names |= {token.lower() for token in tokens if "." in token and token[0] != "'"}
        if _hands_on(tokens):
            hashes += _hash_calls(tokens)
    return CacheKey(tuple(hashes), frozenset(names))


def find_too_long(source: str) -> Iterator[tuple[int, int]]:
    """Yield line and length of every expression that is longer than GitHub takes."""
    line = 1
    before, *parts = source.split("${{")
    for part in parts:
        line += before.count("\n")
        length = len(part.partition("}}")[0])
        if length > LENGTH_LIMIT:
            yield line, length
        before = part
    for number, text in enumerate(split_lines(source), start=1):
        if re.match(r"\s*(- )?if:", text) and len(text) > LENGTH_LIMIT:
            yield number, len(text)


def list_expressions(text: str) -> list[str]:
    """Return the insides of the `${{ }}` of a text."""
    return [part.partition("}}")[0] for part in text.split("${{")[1:] if "}}" in part]


def fill_known(text: str, known: Mapping[str, str]) -> str:
    """Put the values of `known` (env.NAME, matrix.NAME) in the place of their names.

    An expression that is just the name becomes the value, a name given to a function a literal.
    """
    text = _WHOLE.sub(lambda match: known.get(match[1], match[0]), text)
    return _ARGUMENT.sub(
        lambda match: f"'{known[match[0]]}'" if match[0] in known else match[0], text
    )


def _tokens(expression: str) -> list[str]:
    return [match[0].strip() for match in _TOKEN.finditer(expression) if match[0].strip()]


def _hands_on(tokens: list[str]) -> bool:
    if {"==", "!=", "&&", "<", ">", "<=", ">=", "!"} & set(tokens):
        return False
    called = {word for word, after in itertools.pairwise(tokens) if after == "("}
    return {word.lower() for word in called if word[0].isalpha()} <= _PASSES_ON


def _hash_calls(tokens: list[str]) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []
    for at, token in enumerate(tokens[:-1]):
        if token.lower() == "hashfiles" and tokens[at + 1] == "(":
            end = tokens.index(")", at) if ")" in tokens[at:] else len(tokens)
            literals = [part for part in tokens[at + 2 : end] if part.startswith("'")]
            calls.append(tuple(part[1:-1].replace("''", "'") for part in literals))
    return calls
