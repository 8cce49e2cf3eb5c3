"""What a cache key is made of: `${{ }}` expressions taken apart, never evaluated.

https://docs.github.com/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w.\-]*)|(?P<sign>==|!=|&&|\|\||<=|>=|.))",
    re.DOTALL,
)
# Functions that hand on what they are given; all others (contains, startsWith) lose it.
_PASSES_ON = frozenset({"hashfiles", "format", "join", "tojson"})
# Different in every run, so a key with one of them is never found again.
VOLATILE = frozenset(
    {"github.sha", "github.run_id", "github.run_number", "github.run_attempt", "github.event.after"}
)


@dataclass(frozen=True)
class Key:
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


def read_key(text: str, env: Mapping[str, str]) -> Key:
    """Take a key apart; `env` is what its `env.NAME` may stand for.

    An expression that compares or tests (`hashFiles(...) != ''`) yields a constant, so its
    hashFiles calls do not count.
    """
    hashes: list[tuple[str, ...]] = []
    names: set[str] = set()
    for expression in expressions(with_env(text, env)):
        tokens = _tokens(expression)
        names |= {token.lower() for token in tokens if "." in token and token[0] != "'"}
        if _hands_on(tokens):
            hashes += _hash_calls(tokens)
    return Key(tuple(hashes), frozenset(names))


def expressions(text: str) -> list[str]:
    """Return the insides of the `${{ }}` of a text."""
    return [part.partition("}}")[0] for part in text.split("${{")[1:] if "}}" in part]


def with_env(text: str, env: Mapping[str, str]) -> str:
    """Replace each `${{ env.NAME }}`, and each env.NAME given to a function, by its value."""

    def value(match: re.Match[str]) -> str:
        return env.get(match[1], match[0])

    text = re.sub(r"\$\{\{\s*env\.(\w+)\s*\}\}", value, text)
    return re.sub(
        r"(?<=[(,\s])env\.(\w+)(?=\s*[,)])",
        lambda match: f"'{env[match[1]]}'" if match[1] in env else match[0],
        text,
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
