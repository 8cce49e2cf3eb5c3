"""Read YAML that somebody else wrote: bounded, strict about duplicates, with line numbers.

PyYAML's nodes carry positions but its constructors lose them, and its safe loader expands
aliases without a bound ("billion laughs"). `load_yaml` keeps the positions and counts the nodes. It
composes them itself from the parser's events: PyYAML refuses an anchor that is defined again, which
YAML 1.2 and GitHub allow, and composes by recursion in C, which deep nesting overflows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

NODE_LIMIT = 200_000
DEPTH_LIMIT = 60

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Position = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_TEXT = f"{_TAG}str"
# What has no tag and no quotes, so that the word itself decides.
_PLAIN = "?"
_CORE_TAGS = frozenset({_PLAIN, *(f"{_TAG}{name}" for name in ("null", "bool", "int", "float"))})
_CORE_NULL = re.compile(r"|null|Null|NULL|~")
_CORE_TRUTH = re.compile(r"true|True|TRUE|false|False|FALSE")
_CORE_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_CORE_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
)
_EXACT_DIGITS = 300


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


def load_yaml(text: str, *, core: bool = False) -> Document:
    """Parse one YAML document; raises YamlError. An empty text gives the data None.

    With `core` plain words mean what the core schema of YAML 1.2 says, as they do to GitHub: `yes`
    and a date are text, 010 is ten; and every key is text.
    """
    found = _load(text, core=core, one=True)
    return found[0] if found else Document(None, {(): 1})


def load_documents(text: str) -> tuple[Document, ...]:
    """Parse all documents of a YAML text as `load_yaml` does; the bounds hold for all together."""
    return _load(text, core=False, one=False)


def _load(text: str, *, core: bool, one: bool) -> tuple[Document, ...]:
    builder = _CoreBuilder() if core else _Builder()
    try:
        return tuple(map(builder.document, _Composer(text, core=core).documents(one=one)))
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(_problem(error, text), _error_line(error, text)) from error


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


def find_spans(text: str) -> dict[Position, Span]:
    """Return the place of every part of one YAML document; raises YamlError.

    Keys are text here whatever `load_yaml` makes of them, and an alias is a part without parts. An
    item that has a comment behind its dash is left out: no offset parts it from its list.
    """
    plain = text.removeprefix("\ufeff")
    load_yaml(plain)
    return _Surveyor(plain, len(text) - len(plain)).found


class _Composer:
    """Makes nodes of the parser's events, no deeper than DEPTH_LIMIT."""

    def __init__(self, text: str, *, core: bool) -> None:
        self._parser: Any = _Loader(text)
        self._core = core
        self._anchors: dict[str, yaml.Node] = {}

    def documents(self, *, one: bool) -> Iterator[yaml.Node]:
        """Yield the root of each document; of more than one an error is made where `one` is."""
        self._parser.get_event()
        begun = False
        while not isinstance(start := self._parser.get_event(), yaml.StreamEndEvent):
            if begun and one:
                message = "not valid YAML: a second document begins, and one is expected"
                raise YamlError(message, _line(start))
            begun = True
            self._anchors.clear()
            yield self._node(self._parser.get_event(), 1)
            self._parser.get_event()

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                message = f"not valid YAML: *{event.anchor} names an anchor that is not defined"
                raise YamlError(message, _line(event))
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            tag = self._tag(yaml.ScalarNode, event)
            return self._known(event, yaml.ScalarNode(tag, event.value, style=event.style))
        if depth > DEPTH_LIMIT:
            raise YamlError(f"is nested more than {DEPTH_LIMIT} levels deep", _line(event))
        if isinstance(event, yaml.SequenceStartEvent):
            tag = self._tag(yaml.SequenceNode, event)
            items = self._known(event, yaml.SequenceNode(tag, []))
            while not isinstance(inner := self._parser.get_event(), yaml.SequenceEndEvent):
                items.value.append(self._node(inner, depth + 1))
            return items
        tag = self._tag(yaml.MappingNode, event)
        pairs = self._known(event, yaml.MappingNode(tag, []))
        while not isinstance(inner := self._parser.get_event(), yaml.MappingEndEvent):
            key = self._node(inner, depth + 1)
            pairs.value.append((key, self._node(self._parser.get_event(), depth + 1)))
        return pairs

    def _tag(self, kind: type[yaml.Node], event: Any) -> str:
        if event.tag is not None and event.tag != "!":
            return str(event.tag)
        if not isinstance(event, yaml.ScalarEvent):
            return str(self._parser.resolve(kind, None, event.implicit))
        if self._core:
            return _PLAIN if event.implicit[0] else _TEXT
        return str(self._parser.resolve(kind, event.value, event.implicit))

    def _known(self, event: Any, node: yaml.Node) -> Any:
        """Return the node with its place, remembered if the event gives it an anchor."""
        node.start_mark, node.end_mark = event.start_mark, event.end_mark
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def _line(event: Any) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _problem(error: Exception, text: str = "") -> str:
    """Return the parser's words whole: what it was about, where that began, what is wrong."""
    if isinstance(error, ReaderError):
        return (
            f"not valid YAML: it holds the character U+{error.character:04X}, a control character"
        )
    problem = str(getattr(error, "problem", None) or error)
    mark = getattr(error, "problem_mark", None)
    if "nesting depth" in problem:
        return f"is nested more than {DEPTH_LIMIT} levels deep"
    if mark is not None and text and _tab_at(text, mark):
        return (
            "not valid YAML: a tab stands where YAML wants spaces; indent with spaces, and part "
            "words with them"
        )
    context, begun = getattr(error, "context", None), getattr(error, "context_mark", None)
    if not context:
        return f"not valid YAML: {problem}"
    where = f", line {begun.line + 1}" if begun is not None else ""
    here = f", line {mark.line + 1}" if mark is not None else ""
    return f"not valid YAML: {context}{where}; {problem}{here}"


def _tab_at(text: str, mark: Any) -> bool:
    """Whether the parser stopped at a tab, or behind one that indents its line."""
    at = int(mark.index)
    before = re.search(r"[^\r\n]*\Z", text[max(0, at - 1000) : at])
    indent = before[0] if before else ""
    return text[at : at + 1] == "\t" or ("\t" in indent and not indent.strip())


def _error_line(error: Exception, text: str) -> int:
    if isinstance(error, ReaderError):
        return text.count("\n", 0, int(error.position)) + 1
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return 1 if mark is None else int(mark.line) + 1


class _Builder:
    """Turns a node tree into data, noting where each part stands."""

    def __init__(self) -> None:
        self.lines: dict[Position, int] = {}
        self._scalars = _Loader("")
        self._count = 0

    def document(self, node: yaml.Node) -> Document:
        """Return the document with this root; what it counts goes on from the one before."""
        self.lines = {}
        return Document(self.build(node, (), 0), self.lines)

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
            if self._merges(key_node):
                merged |= self._merge(value_node, position, depth)
                continue
            key = self._key(key_node)
            if key in data:
                raise YamlError(f"the key {key!r} stands twice in one mapping", line)
            self.lines[(*position, key)] = line
            data[key] = self.build(value_node, (*position, key), depth + 1)
        return {**merged, **data}

    def _merges(self, key: yaml.Node) -> bool:
        return bool(key.tag == f"{_TAG}merge")

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


class _CoreBuilder(_Builder):
    """Reads plain words by the core schema of YAML 1.2: https://yaml.org/spec/1.2.2/#103-core-schema"""

    def _merges(self, key: yaml.Node) -> bool:
        return bool(key.tag == _PLAIN and key.value == "<<")

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlError("a key must be plain text", node.start_mark.line + 1)
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        word = str(node.value)
        if node.tag == _TEXT:
            return word
        value = _core_value(word)
        if node.tag not in _CORE_TAGS or (node.tag != _PLAIN and value == word):
            message = f"not valid YAML: the tag {node.tag} does not fit here"
            raise YamlError(message, node.start_mark.line + 1)
        return value


def _core_value(word: str) -> Any:
    if _CORE_NULL.fullmatch(word):
        return None
    if _CORE_TRUTH.fullmatch(word):
        return word[0] in "tT"
    if _CORE_WHOLE.fullmatch(word):
        return _whole(word)
    if _CORE_FLOAT.fullmatch(word):
        return float(word.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf"))
    return float("nan") if word in (".nan", ".NaN", ".NAN") else word


def _whole(word: str) -> int | float:
    base = {"0o": 8, "0x": 16}.get(word[:2], 10)
    # GitHub reads numbers as floats, so a long one is not exact there either.
    return int(word, base) if len(word) < _EXACT_DIGITS else float(word if base == 10 else "inf")


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
            assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 -- `load_yaml` refuses other keys
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
