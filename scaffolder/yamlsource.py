"""Read YAML that somebody else wrote: bounded, strict about duplicates, with line numbers.

PyYAML's nodes carry positions but its constructors lose them, and its safe loader expands
aliases without a bound ("billion laughs"). `load` keeps the positions and counts the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
class Span:
    """Where one part stands in the text, as offsets in characters.

    `start` is where its entry begins: the key in a mapping, the dash of an item in a list.
    `value` is where its value begins, and `end` where that ends, without the blank lines and the
    comments behind it. `flow` tells that the entry stands between brackets or braces.
    """

    start: int
    value: int
    end: int
    flow: bool


def spans(text: str) -> dict[Position, Span]:
    """Return the place of every part of one YAML document; raises YamlError.

    Keys are text here whatever `load` makes of them, and an alias is a part without parts. An
    item that has a comment behind its dash is left out: no offset parts it from its list.
    """
    plain = text.removeprefix("\ufeff")
    load(plain)
    return _Surveyor(plain, len(text) - len(plain)).found


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


class _Surveyor:
    """Notes where each part stands, from the events of the parser: only they know of aliases."""

    def __init__(self, text: str, offset: int) -> None:
        self.found: dict[Position, Span] = {}
        self._text = text
        self._offset = offset
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_Loader))
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._part(next(self._events), (), flow=False)

    def _part(
        self, event: yaml.Event, position: Position, *, flow: bool, start: int | None = None
    ) -> int:
        """Note the part that begins with `event`, and return where it ends."""
        value = _offset(event.start_mark)
        if isinstance(event, yaml.MappingStartEvent):
            end = self._mapping(position, flow=bool(event.flow_style))
        elif isinstance(event, yaml.SequenceStartEvent):
            end = self._sequence(position, flow=bool(event.flow_style))
        else:
            written = self._text[value : _offset(event.end_mark)]
            end = value + len(written.rstrip())
        begin = value if start is None else start
        if begin >= 0:
            shift = self._offset
            self.found[position] = Span(begin + shift, value + shift, max(value, end) + shift, flow)
        return max(value, end)

    def _mapping(self, position: Position, *, flow: bool) -> int:
        end = 0
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 -- `load` refuses other keys
            value = next(self._events)
            place = (*position, event.value)
            end = self._part(value, place, flow=flow, start=_offset(event.start_mark))
        return _offset(event.end_mark) if flow else end

    def _sequence(self, position: Position, *, flow: bool) -> int:
        end, index = 0, 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            start = None if flow else self._dash(_offset(event.start_mark))
            end = self._part(event, (*position, index), flow=flow, start=start)
            index += 1
        return _offset(event.end_mark) if flow else end

    def _dash(self, value: int) -> int:
        """Return the offset of the dash before `value`, or -1 if more than space parts them."""
        before = self._text[:value].rstrip()
        return len(before) - 1 if before.endswith("-") else -1


def _offset(mark: Any) -> int:
    return int(mark.index)
