"""GitHub's two dialects of patterns, matched in time linear in the text.

`matches_filter` is for `branches`, `tags` and `paths` of a trigger: the "filter pattern cheat
sheet" of https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.
`matches_glob` is for `hashFiles` and the inputs of the cache actions: the pattern rules of
https://github.com/actions/toolkit/tree/main/packages/glob.

Both are learner-made text, so neither becomes a regular expression: those can take forever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

LENGTH_LIMIT = 1024


class Times(Enum):
    """How often a token may stand."""

    ONCE = "1"
    OPTIONAL = "?"
    MANY = "+"
    ANY = "*"


@dataclass(frozen=True)
class Token:
    """One part of a pattern: which characters it takes, and how many of them."""

    takes: Callable[[str], bool]
    times: Times = Times.ONCE


# "**/": nothing, or anything that ends in a slash.
FOLDERS = Token(lambda _: True, Times.ANY)
ANYTHING = Token(lambda _: True, Times.ANY)
NAME = Token(lambda character: character != "/", Times.ANY)
ONE_OF_NAME = Token(lambda character: character != "/")


def matches_filter(pattern: str, name: str) -> bool:
    """Whether a filter pattern, without its `!`, matches a whole branch name or path.

    `*` is anything but a slash, `**` anything, `?` makes the character before it optional, `+`
    repeats it, `[]` is one of some characters, `\\` takes the next character as it is. Raises
    ValueError for a pattern that GitHub cannot read.
    """
    return len(name) in _ends(_filter_tokens(pattern), name)


def matches_glob(pattern: str, path: str) -> bool:
    """Whether a glob of actions/toolkit, without its `!`, matches a path or a folder above it.

    `*` and `?` stay within one name, `**` as a whole name is any number of folders. Raises
    ValueError for a pattern that is longer than LENGTH_LIMIT.
    """
    ends = _ends(_glob_tokens(pattern), path)
    return any(end == len(path) or path[end] == "/" for end in ends if end > 0)


def is_selected(
    name: str, patterns: Iterable[str], matches: Callable[[str, str], bool] = matches_filter
) -> bool:
    """Whether patterns checked in order select a name; `!` takes out what was taken before."""
    chosen = False
    for pattern in patterns:
        negative = pattern.startswith("!")
        if matches(pattern.removeprefix("!"), name):
            chosen = not negative
    return chosen


def _ends(tokens: Sequence[Token], text: str) -> set[int]:
    """Return every position at which the tokens can end when they begin at the text's begin."""
    positions = {0}
    for token in tokens:
        positions = _after(token, text, positions)
        if not positions:
            break
    return positions


def _after(token: Token, text: str, starts: set[int]) -> set[int]:
    if token is FOLDERS:
        first = min(starts)
        return starts | {at + 1 for at in range(first + 1, len(text)) if text[at] == "/"}
    repeats = token.times in (Times.MANY, Times.ANY)
    ends = set(starts) if token.times in (Times.OPTIONAL, Times.ANY) else set()
    reached = False
    for at, character in enumerate(text):
        reached = token.takes(character) and (at in starts or (repeats and reached))
        if reached:
            ends.add(at + 1)
    return ends


def _filter_tokens(pattern: str) -> list[Token]:
    _refuse_long(pattern)
    tokens: list[Token] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character in "?+" and tokens:
            tokens[-1] = _quantified(tokens[-1], character)
            at += 1
        elif pattern.startswith("**/", at):
            tokens.append(FOLDERS)
            at += 3
        elif pattern.startswith("**", at):
            tokens.append(ANYTHING)
            at += 2
        elif character == "*":
            tokens.append(NAME)
            at += 1
        else:
            token, at = _character(pattern, at)
            tokens.append(token)
    return tokens


def _quantified(token: Token, sign: str) -> Token:
    if token.times is Times.ANY:
        return token
    return Token(token.takes, Times.OPTIONAL if sign == "?" else Times.MANY)


def _character(pattern: str, at: int) -> tuple[Token, int]:
    """Return the token of one character, or of one set of characters, and where it ends."""
    if pattern[at] == "[":
        return _character_set(pattern, at)
    if pattern[at] == "\\" and at + 1 < len(pattern):
        at += 1
    return _literal(pattern[at]), at + 1


def _character_set(pattern: str, at: int) -> tuple[Token, int]:
    end = pattern.find("]", at + 2)
    if end < 0:
        raise ValueError(f"{pattern!r} opens a [ and does not close it")
    inside = pattern[at + 1 : end]
    negative = inside[0] in "!^"
    members = inside[1:] if negative else inside
    return Token(lambda character: _in_set(members, character) is not negative), end + 1


def _in_set(members: str, character: str) -> bool:
    at = 0
    while at < len(members):
        if at + 2 < len(members) and members[at + 1] == "-":
            if members[at] <= character <= members[at + 2]:
                return True
            at += 3
        else:
            if members[at] == character:
                return True
            at += 1
    return False


def _literal(expected: str) -> Token:
    return Token(lambda character: character == expected)


def _glob_tokens(pattern: str) -> list[Token]:
    _refuse_long(pattern)
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    tokens: list[Token] = []
    for index, name in enumerate(names):
        last = index == len(names) - 1
        if name == "**":
            tokens.append(ANYTHING if last else FOLDERS)
            continue
        tokens.extend(_glob_name_tokens(name))
        if not last:
            tokens.append(_literal("/"))
    return tokens


def _glob_name_tokens(name: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(name):
        if name[at] == "*":
            tokens.append(NAME)
            at += 1
        elif name[at] == "?":
            tokens.append(ONE_OF_NAME)
            at += 1
        elif name[at] == "[" and "]" not in name[at + 2 :]:
            tokens.append(_literal("["))
            at += 1
        else:
            token, at = _character(name, at)
            tokens.append(token)
    return tokens


def _refuse_long(pattern: str) -> None:
    if len(pattern) > LENGTH_LIMIT:
        raise ValueError(f"a pattern of {len(pattern):,} characters; {LENGTH_LIMIT:,} are read")
