"""Parse HCL into blocks with lines. Sole owner of python-hcl2.

Values are what python-hcl2 makes of an expression: numbers, booleans, lists and objects; literal
strings keep their quotes, and every other expression is its text inside `${ }`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffolder.errors import UnusableFileError

# python-hcl2 builds its parser once, and not safely from two threads.
_parser = threading.Lock()


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
        return literal(self.value)


def literal(value: Any) -> str | None:
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
    """All blocks of one folder, in the order of the files' names."""

    blocks: tuple[Block, ...]

    def of(self, kind: str) -> tuple[Block, ...]:
        """Return the top-level blocks of one type, for example `variable`."""
        return tuple(block for block in self.blocks if block.type == kind)


def parse(text: str, path: str) -> tuple[Block, ...]:
    """Parse one HCL file; raises UnusableFileError with the line of a syntax error."""
    import hcl2
    from lark.exceptions import LarkError

    try:
        with _parser:
            return _body_blocks(hcl2.parses(_plain(text)).body, path)
    except LarkError as error:
        line = getattr(error, "line", None)
        known = isinstance(line, int) and line > 0
        raise HclSyntaxError("is not valid HCL", path, line=line if known else None) from error
    except RecursionError as error:
        raise UnusableFileError("is nested too deeply to be read", path) from error


def _plain(text: str) -> str:
    """Return the text without what python-hcl2 cannot read and what says nothing of structure.

    That is a byte order mark, and the strip markers of interpolations. Columns stay.
    """
    return text.removeprefix("\ufeff").replace("${~", "${ ").replace("~}", " }")


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
