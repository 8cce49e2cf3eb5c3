"""The language of `${{ }}`: expressions taken apart as GitHub takes them apart, never evaluated.

https://docs.github.com/actions/reference/workflows-and-actions/expressions. What is refused here is
what the parser of the runner refuses (github.com/actions/runner, src/Sdk/Expressions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

# GitHub: "Exceeded max expression length 21000", and a tree of at most 50 levels.
LENGTH_LIMIT = 21_000
DEPTH_LIMIT = 50

# How many arguments the functions take that can be used wherever an expression can.
FUNCTIONS = {
    "case": (3, 255),
    "contains": (2, 2),
    "endswith": (2, 2),
    "format": (1, 255),
    "fromjson": (1, 1),
    "join": (1, 2),
    "startswith": (2, 2),
    "tojson": (1, 1),
}
_CONSTANTS = frozenset({"null", "true", "false", "NaN", "Infinity"})
_TOKEN = re.compile(
    r"(?P<string>'(?:[^']|'')*')|(?P<operator>==|!=|<=|>=|&&|\|\||[!<>])|(?P<sign>[()\[\],*])"
    r"|(?P<number>[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|Infinity)"
    r"(?![^\s()\[\],.!<>=&|]))|(?P<dot>\.)|(?P<word>[A-Za-z_][\w-]*(?![^\s()\[\],.!<>=&|]))",
    re.ASCII,
)
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
_NESTING_LIMIT = 60

Read = TypeVar("Read")


class ExpressionError(Exception):
    """Text that is no expression, and why, in words for its author."""


@dataclass(frozen=True)
class ExpressionNode:
    """A part of an expression: where it stands in the text, and what it is made of.

    `kind` is literal, context, call, index, all (a `*`), group (in parentheses), not or one of the
    operators; `name` the word of a literal, context or call. What brackets and dots ask for is the
    second part of an `index`.
    """

    kind: str
    name: str
    start: int
    end: int
    parts: tuple[ExpressionNode, ...] = ()
    depth: int = 1

    def walk(self) -> Iterator[ExpressionNode]:
        """Yield this part and every part of it."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class EmbeddedExpression:
    """A `${{ }}` in a text: the offsets of the whole, and of what stands between the braces."""

    start: int
    end: int
    inner: int
    code: str


def split_text(text: str) -> list[EmbeddedExpression]:
    """Return the expressions in a text; raises ExpressionError for one that is not closed.

    Two braces within quotes close nothing.
    """
    found: list[EmbeddedExpression] = []
    start = text.find("${{")
    while start >= 0:
        at, quoted = start + 3, False
        while at < len(text) and (quoted or not text.startswith("}}", at)):
            quoted ^= text[at] == "'"
            at += 1
        if at >= len(text):
            raise ExpressionError("an expression begins with ${{ and is not closed with }}")
        found.append(EmbeddedExpression(start, at + 2, start + 3, text[start + 3 : at]))
        start = text.find("${{", at + 2)
    return found


def parse_expression(code: str) -> ExpressionNode:
    """Return the tree of what stands between `${{` and `}}`; raises ExpressionError."""
    if len(code) > LENGTH_LIMIT:
        raise ExpressionError(f"an expression of {len(code):,} characters; GitHub takes 21,000")
    if not code.strip():
        raise ExpressionError("an expression is expected between ${{ and }}")
    parser = _Parser(_tokens(code))
    tree = parser.expression(0)
    if parser.token.kind != "end":
        raise ExpressionError(f"{parser.token.text!r} is not expected there")
    return tree


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _tokens(code: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while True:
        while at < len(code) and code[at].isspace():
            at += 1
        if at == len(code):
            return [*tokens, _Token("end", "the end", at, at)]
        match = _TOKEN.match(code, at)
        if match is None:
            raise ExpressionError(_not_understood(code[at:]))
        kind, end = match.lastgroup or "", match.end()
        # Behind a value a dot asks for a property, elsewhere it begins a number.
        if kind == "number" and match[0][0] == "." and tokens and _ends_value(tokens[-1]):
            kind, end = "dot", at + 1
        tokens.append(_Token(kind, code[at:end], at, end))
        at = end


def _ends_value(token: _Token) -> bool:
    return token.kind == "word" or (token.kind == "sign" and token.text in ")]*")


def _not_understood(rest: str) -> str:
    if rest.startswith("'"):
        return f"a quote is not closed: {rest[:40]}"
    word = re.match(r"[^\s()\[\],]+|.", rest, re.DOTALL)
    shown = word[0][:40] if word else rest[:1]
    more = "; text stands in single quotes" if '"' in shown else ""
    return f"{shown} is not understood{more}"


class _Parser:
    """Reads one expression by recursive descent: || before &&, before ==, before <, before !."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._open = 0

    @property
    def token(self) -> _Token:
        """The token that is read next."""
        return self._tokens[self._at]

    def expression(self, level: int = 0) -> ExpressionNode:
        """Read operators of this level and of those that bind closer."""
        if level == len(_LEVELS):
            return self._negated()
        operators = _LEVELS[level]
        parts = [self.expression(level + 1)]
        name = ""
        while self.token.kind == "operator" and self.token.text in operators:
            # A chain of && or || is one part, however long.
            if len(parts) == 2 and len(operators) > 1:
                parts = [_node(name, name, tuple(parts))]
            name = self._next().text
            parts.append(self.expression(level + 1))
        return _node(name, name, tuple(parts)) if name else parts[0]

    def _negated(self) -> ExpressionNode:
        signs: list[_Token] = []
        while self.token.kind == "operator" and self.token.text == "!":
            signs.append(self._next())
        node = self._postfixed()
        for sign in reversed(signs):
            node = _node("not", "!", (node,), sign.start)
        return node

    def _postfixed(self) -> ExpressionNode:
        node = self._operand()
        while node.kind != "literal":
            if self.token.kind == "dot":
                self._next()
                part = self._property()
            elif self._is("["):
                self._next()
                part = self._nested(self._index)
                self._expect("]")
            else:
                break
            node = _node("index", "", (node, part), node.start, self._tokens[self._at - 1].end)
        return node

    def _property(self) -> ExpressionNode:
        token = self._next()
        if token.kind == "word":
            return ExpressionNode("literal", token.text, token.start, token.end)
        if token.text == "*":
            return ExpressionNode("all", "*", token.start, token.end)
        message = f"the name of a property is expected behind a dot, not {token.text}"
        raise ExpressionError(message)

    def _index(self) -> ExpressionNode:
        if self._is("*"):
            token = self._next()
            return ExpressionNode("all", "*", token.start, token.end)
        return self.expression()

    def _operand(self) -> ExpressionNode:
        token = self._next()
        if token.kind in ("string", "number") or token.text in _CONSTANTS:
            return ExpressionNode("literal", token.text, token.start, token.end)
        if token.kind == "word" and not self._is("("):
            return ExpressionNode("context", token.text, token.start, token.end)
        if token.kind == "word":
            self._next()
            arguments = self._nested(self._arguments)
            return _node("call", token.text, arguments, token.start, self._expect(")").end)
        if token.kind == "sign" and token.text == "(":
            inside = self._nested(self.expression)
            end = self._expect(")").end
            return ExpressionNode("group", "", token.start, end, (inside,), inside.depth)
        raise ExpressionError(f"a value is expected where {token.text} stands")

    def _arguments(self) -> tuple[ExpressionNode, ...]:
        if self._is(")"):
            return ()
        found = [self.expression()]
        while self._is(","):
            self._next()
            found.append(self.expression())
        return tuple(found)

    def _nested(self, read: Callable[[], Read]) -> Read:
        self._open += 1
        if self._open > _NESTING_LIMIT:
            raise ExpressionError(f"an expression is nested more than {_NESTING_LIMIT} levels deep")
        found = read()
        self._open -= 1
        return found

    def _is(self, sign: str) -> bool:
        return self.token.kind == "sign" and self.token.text == sign

    def _next(self) -> _Token:
        token = self.token
        if token.kind != "end":
            self._at += 1
        return token

    def _expect(self, sign: str) -> _Token:
        if not self._is(sign):
            raise ExpressionError(f"{sign} is expected where {self.token.text} stands")
        return self._next()


def _node(
    kind: str,
    name: str,
    parts: tuple[ExpressionNode, ...],
    start: int | None = None,
    end: int | None = None,
) -> ExpressionNode:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > DEPTH_LIMIT:
        raise ExpressionError(f"an expression is more than {DEPTH_LIMIT} levels deep")
    return ExpressionNode(
        kind,
        name,
        parts[0].start if start is None else start,
        parts[-1].end if end is None else end,
        parts,
        depth,
    )
