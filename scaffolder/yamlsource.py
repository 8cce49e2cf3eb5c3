"""Read YAML that somebody else wrote: bounded, strict about duplicates, with line numbers.

PyYAML's nodes carry positions but its constructors lose them, and its safe loader expands
aliases without a bound ("billion laughs"). `load` keeps the positions and counts the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

NODE_LIMIT = 200_000
DEPTH_LIMIT = 60

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Position = tuple[str | int, ...]


class YamlError(Exception):
    """Text that is not YAML, or YAML that no honest author writes; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Document:
    """The data of one YAML document, and the line on which each part of it begins.

    A position is the way from the root: keys of mappings and indexes of sequences.
    """

    data: Any
    lines: Mapping[Position, int] = field(repr=False)

    def line(self, *position: str | int) -> int:
        """Return the line of a part, or of the nearest part around it that exists."""
        for length in range(len(position), -1, -1):
            found = self.lines.get(position[:length])
            if found is not None:
                return found
        return 1


def load(text: str) -> Document:
    """Parse one YAML document; raises YamlError. An empty text gives the data None."""
    try:
        _refuse_deep_nesting(text)
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YamlError(_problem(error), _error_line(error)) from error
    if node is None:
        return Document(None, {(): 1})
    builder = _Builder()
    data = builder.build(node, (), 0)
    return Document(data, builder.lines)


def _refuse_deep_nesting(text: str) -> None:
    """Raise YamlError before composing, which recurses in C, can overflow the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise YamlError(f"is nested more than {DEPTH_LIMIT} levels deep", line)


def _problem(error: Exception) -> str:
    problem = getattr(error, "problem", None)
    return f"not valid YAML: {problem or error}"


def _error_line(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return 1 if mark is None else int(mark.line) + 1


class _Builder:
    """Turns a node tree into data, noting where each part stands."""

    def __init__(self) -> None:
        self.lines: dict[Position, int] = {}
        self._scalars = _Loader("")
        self._count = 0

    def build(self, node: yaml.Node, position: Position, depth: int) -> Any:
        line = node.start_mark.line + 1
        self._count += 1
        if self._count > NODE_LIMIT:
            raise YamlError(f"expands to more than {NODE_LIMIT:,} values", line)
        if depth > DEPTH_LIMIT:
            raise YamlError(f"is nested more than {DEPTH_LIMIT} levels deep", line)
        self.lines.setdefault(position, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, position, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.build(item, (*position, index), depth + 1)
                for index, item in enumerate(node.value)
            ]
        return self._scalar(node)

    def _mapping(
        self, node: yaml.MappingNode, position: Position, depth: int
    ) -> dict[str | int, Any]:
        data: dict[str | int, Any] = {}
        merged: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged |= self._merge(value_node, position, depth)
                continue
            key = self._key(key_node)
            if key in data:
                raise YamlError(f"the key {key!r} stands twice in one mapping", line)
            self.lines[(*position, key)] = line
            data[key] = self.build(value_node, (*position, key), depth + 1)
        return {**merged, **data}

    def _merge(self, node: yaml.Node, position: Position, depth: int) -> dict[str | int, Any]:
        value = self.build(node, (*position, "<<"), depth + 1)
        parts = value if isinstance(value, list) else [value]
        merged: dict[str | int, Any] = {}
        for part in reversed(parts):
            if not isinstance(part, dict):
                raise YamlError("<< merges a mapping", node.start_mark.line + 1)
            merged |= part
        return merged

    def _key(self, node: yaml.Node) -> str | int:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlError("a key must be plain text", node.start_mark.line + 1)
        # YAML 1.1 reads `on:` as true; everybody who writes it means the word.
        if node.tag == "tag:yaml.org,2002:int":
            value = self._scalar(node)
            return value if isinstance(value, int) else str(node.value)
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise YamlError(_problem(error), node.start_mark.line + 1) from error
