"""Parse HCL into blocks with lines. Sole owner of python-hcl2.

Values are what python-hcl2 makes of an expression: numbers, booleans, lists and objects; literal
strings keep their quotes, and every other expression is its text inside `${ }`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from scaffolder.checks.terraform import hcl_lexis
from scaffolder.core.errors import UnusableFileError

# python-hcl2 builds its parser once, and not safely from two threads.
_parser = threading.Lock()

_TEXTS = ("string", "heredoc_template", "heredoc_trim_template")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class HclSyntaxError(UnusableFileError):
    """Text that python-hcl2 cannot parse."""


@dataclass(frozen=True)
class Attribute:
    """The value of `name = value`, and its line."""

    value: Any
    line: int

    @property
    def text(self) -> str | None:
        """The string, where the value is a literal one without interpolation, else None."""
        return read_literal(self.value)


def read_literal(value: Any) -> str | None:
    """Return the text of a literal string, or None for any other value."""
    quoted = isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"'
    return None if not quoted or "${" in value or "%{" in value else value[1:-1]


@dataclass(frozen=True)
class Block:
    """One block: `type "label" "label" { attributes and blocks }`; lines count from 1."""

    type: str
    labels: tuple[str, ...]
    path: str
    line: int
    end_line: int
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()

    @property
    def name(self) -> str:
        """The block as Terraform's messages name it, for example `resource aws_s3_bucket.x`."""
        return " ".join(part for part in (self.type, ".".join(self.labels)) if part)

    def walk(self) -> Iterator[Block]:
        """Yield this block and every block inside it."""
        yield self
        for block in self.blocks:
            yield from block.walk()


@dataclass(frozen=True)
class Configuration:
    """All blocks of one folder, in the order of the files' names, and the files' texts by path."""

    blocks: tuple[Block, ...]
    texts: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Block, ...]:
        """Return the top-level blocks of one type, for example `variable`."""
        return tuple(block for block in self.blocks if block.type == kind)


def parse_hcl(text: str, path: str) -> tuple[Block, ...]:
    """Parse one HCL file; raises UnusableFileError with the line of a syntax error."""
    try:
        return _parse(text, path)
    except HclSyntaxError:
        mask = _Mask(text)
        if not mask.needed:
            raise
        return tuple(mask.undo_block(block) for block in _parse(mask.text, path))


def _parse(text: str, path: str) -> tuple[Block, ...]:
    with _syntax_errors(path), _parser:
        import hcl2

        plain = _plain(text)
        body = hcl2.parses(plain).body
        _require_one_reading(plain, _node(body, 0), path)
        return _body_blocks(body, path)


def _require_one_reading(text: str, read: Node, path: str) -> None:
    """Raise HclSyntaxError where Terraform finds texts elsewhere than python-hcl2 did."""
    here = [
        (node.start, node.end)
        for around, node in read.walk()
        if node.kind in _TEXTS and not any(one.kind in _TEXTS for one in around)
    ]
    try:
        there = hcl_lexis.find_texts(text)
    except ValueError as error:
        raise HclSyntaxError(str(error), path) from error
    if here != there:
        first = min({*here} ^ {*there})[0]
        line = text.count("\n", 0, first) + 1
        raise HclSyntaxError(
            "holds a text that readers of HCL end in different places", path, line=line
        )


class _Mask:
    """A text whose identifiers are ASCII: python-hcl2 reads no others, Terraform does.

    Each other letter, wherever it stands, becomes a word that the text does not hold, and what is
    parsed of it can be had back. Lines stay, columns do not. The name space of Terraform's own
    functions, which python-hcl2 does not read either, says nothing and goes.
    """

    def __init__(self, text: str) -> None:
        self._mark = "zq"
        while self._mark in text:
            self._mark += "q"
        self.text = "".join(
            f"{self._mark}{ord(one):x}_" if _beyond_ascii(one) else one
            for one in text.replace("core::", "")
        )
        self.needed = self.text != text
        self._masked = re.compile(f"{self._mark}([0-9a-f]+)_")

    def undo(self, value: Any) -> Any:
        """Return what python-hcl2 made of a value, with its own letters."""
        if isinstance(value, str):
            return self._masked.sub(lambda found: chr(int(found[1], 16)), value)
        if isinstance(value, list):
            return [self.undo(item) for item in value]
        if isinstance(value, dict):
            return {self.undo(key): self.undo(item) for key, item in value.items()}
        return value

    def undo_block(self, block: Block) -> Block:
        """Return a block with its own letters."""
        return replace(
            block,
            type=self.undo(block.type),
            labels=tuple(self.undo(label) for label in block.labels),
            attributes={
                self.undo(name): Attribute(self.undo(attribute.value), attribute.line)
                for name, attribute in block.attributes.items()
            },
            blocks=tuple(self.undo_block(inner) for inner in block.blocks),
        )


def _beyond_ascii(one: str) -> bool:
    """Whether a character may stand in an identifier of HCL's, and is none of ASCII."""
    return not one.isascii() and f"a{one}".isidentifier()


@dataclass(frozen=True)
class Node:
    """One piece of HCL and where it stands: offsets in characters, from the text's beginning.

    `kind` is the name of the rule that python-hcl2 read it by, for example `block`, `attribute`,
    `object_elem`, `tuple`, `string`, `int_lit`. `name` is the word that a block, an attribute, an
    object's element or a function is called by, and `labels` are the block's.
    """

    kind: str
    start: int
    end: int
    name: str = ""
    labels: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()

    def walk(self, *around: Node) -> Iterator[tuple[tuple[Node, ...], Node]]:
        """Yield this node and all inside it in their order, each after the nodes around it."""
        yield around, self
        for child in self.children:
            yield from child.walk(*around, self)


def parse_tree(text: str, path: str) -> Node:
    """Parse one HCL file to nodes that know where they stand; raises as `parse_hcl`.

    The names of nodes are ASCII: where python-hcl2 reads no others, `u` stands for each other
    letter.
    """
    try:
        return _tree(text, path)
    except HclSyntaxError:
        plain = text.replace("core::", "core__")
        plain = "".join("u" if _beyond_ascii(one) else one for one in plain)
        if plain == text:
            raise
        return _tree(plain, path)


def _tree(text: str, path: str) -> Node:
    offset = len(text) - len(text.removeprefix("\ufeff"))
    with _syntax_errors(path), _parser:
        import hcl2

        return _node(hcl2.parses(_plain(text)).body, offset)


@contextmanager
def _syntax_errors(path: str) -> Iterator[None]:
    from lark.exceptions import LarkError

    try:
        yield
    except LarkError as error:
        line = getattr(error, "line", None)
        known = isinstance(line, int) and line > 0
        raise HclSyntaxError("is not valid HCL", path, line=line if known else None) from error
    except RecursionError as error:
        raise UnusableFileError("is nested too deeply to be read", path) from error
    except ValueError as error:
        raise UnusableFileError("holds a number with thousands of digits", path) from error


def _plain(text: str) -> str:
    """Return the text without what python-hcl2 cannot read and what says nothing of structure.

    That is a byte order mark, and the strip markers of interpolations. Columns stay.
    """
    return text.removeprefix("\ufeff").replace("${~", "${ ").replace("~}", " }")


def _node(rule: Any, offset: int) -> Node:
    kind = _CAMEL.sub("_", type(rule).__name__.removesuffix("Rule")).lower()
    names = [_word(label) for label in getattr(rule, "labels", ())]
    word = getattr(rule, "identifier", None) or getattr(rule, "key", None)
    if kind == "function_call":
        word = rule.children[0]
    return Node(
        kind,
        rule._meta.start_pos + offset,  # noqa: SLF001 -- hcl2 gives no other way to it
        _end(rule) + offset,
        names[0] if names else _word(word) if word is not None else "",
        tuple(names[1:]),
        tuple(_node(child, offset) for child in _parts(rule)),
    )


def _word(rule: Any) -> str:
    return str(rule.serialize()).strip('"')


def _parts(rule: Any) -> list[Any]:
    """Return the rules inside a rule that stand somewhere, without blank lines and comments."""
    from hcl2.rules.abstract import LarkRule
    from hcl2.rules.whitespace import NewLineOrCommentRule

    return [
        child
        for child in rule.children
        if isinstance(child, LarkRule)
        and not isinstance(child, NewLineOrCommentRule)
        and hasattr(child._meta, "start_pos")  # noqa: SLF001
    ]


def _end(rule: Any) -> int:
    """Return where a rule ends: some have the line break and comments behind them inside."""
    from hcl2.rules.whitespace import NewLineOrCommentRule

    present = [child for child in rule.children if child is not None]
    behind = bool(present) and isinstance(present[-1], NewLineOrCommentRule)
    parts = _parts(rule)
    ends_early = behind or (parts and parts[-1]._meta.end_pos == rule._meta.end_pos)  # noqa: SLF001
    return _end(parts[-1]) if ends_early and parts else int(rule._meta.end_pos)  # noqa: SLF001


def _body_blocks(body: Any, path: str) -> tuple[Block, ...]:
    from hcl2.rules.base import BlockRule

    return tuple(_block(child, path) for child in body.children if isinstance(child, BlockRule))


def _block(rule: Any, path: str) -> Block:
    from hcl2.rules.base import AttributeRule

    kind, *labels = (str(label.serialize()).strip('"') for label in rule.labels)
    attributes = {
        str(child.identifier.serialize()): Attribute(child.expression.serialize(), _line(child))
        for child in rule.body.children
        if isinstance(child, AttributeRule)
    }
    blocks = _body_blocks(rule.body, path)
    return Block(
        kind, tuple(labels), path, _line(rule), _line(rule, "end_line"), attributes, blocks
    )


def _line(rule: Any, name: str = "line") -> int:
    return int(getattr(rule._meta, name, 1))  # noqa: SLF001 -- hcl2 gives no other way to it
