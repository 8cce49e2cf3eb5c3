"""How people get Terraform wrong: operators over the blocks, arguments and expressions of a file.

Not made, because Terraform refuses them before a grader has to look: what something else refers
to is never dropped, nor is what a block cannot be without. Descriptions and the names of policy
statements are words for readers, so they stay as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scaffolder.checks.mutations import (
    Source,
    SourceEdit,
    Splice,
    begins_line,
    find_line_end,
    remove_lines,
)
from scaffolder.checks.terraform import hcl
from scaffolder.checks.terraform.hcl import Attribute, Node
from scaffolder.core.errors import UnusableFileError
from scaffolder.workspace import read_text

_REFERENCE = re.compile(r"var\.(?P<name>[\w-]+)")
_COMPARISONS = {"==": "!=", "!=": "=="}
_NEEDED = {"output": ("value",), "validation": ("condition", "error_message")}
_WORDS_FOR_READERS = ("description", "sid", "Sid", "error_message")
_POLICY_WORDS = ("actions", "resources", "identifiers", "Action", "Resource", "Principal")
_DIGITS = 18
_EXAMPLES = {"string": '"example"', "number": "1", "bool": "true"}
_TAGS = ("tags", "labels")


@dataclass(frozen=True)
class Piece:
    """A node, the nodes around it from the outermost on, and its address."""

    node: Node
    around: tuple[Node, ...]
    address: str

    def inside(self, *kinds: str) -> Node | None:
        """Return the nearest node of these kinds around it."""
        return next((one for one in reversed(self.around) if one.kind in kinds), None)


@dataclass(frozen=True)
class ConfigurationFile:
    """One file, with what the other files of its folder say of variables and references."""

    source: Source
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The file's text."""
        return self.source.text

    @cached_property
    def beside(self) -> Mapping[str, str]:
        """The texts of all Terraform files of the folder by their paths, this one's as given."""
        root, path = self.source.root, self.source.path
        folder = Path(path).parent
        paths = sorted(str(folder / one.name) for one in (root / folder).glob("*.tf"))
        return {**{one: read_text(root, one) for one in paths if one != path}, path: self.text}

    @cached_property
    def examples(self) -> Mapping[str, str]:
        """For each variable a literal of its kind: its default where it has one."""
        return dict(pair for path, text in self.beside.items() for pair in _examples(text, path))

    def of(self, *kinds: str) -> Iterator[Piece]:
        """Yield the pieces of these kinds in their order."""
        return (piece for piece in self.pieces if piece.node.kind in kinds)

    def written(self, node: Node) -> str:
        """Return how a node is written."""
        return self.text[node.start : node.end]


def parse_configuration(source: Source) -> ConfigurationFile:
    """Return the configuration; raises UnusableFileError where the text is not HCL."""
    pieces = tuple(
        Piece(node, around, _address((*around, node)))
        for around, node in hcl.parse_tree(source.text, source.path).walk()
    )
    return ConfigurationFile(source, pieces)


def _examples(text: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        variables = [block for block in hcl.parse_hcl(text, path) if block.type == "variable"]
    except UnusableFileError:
        return
    for block in variables:
        default, kind = block.attributes.get("default"), block.attributes.get("type")
        if block.labels and (literal := _example(default, kind)):
            yield block.labels[0], literal


def _example(default: Attribute | None, kind: Attribute | None) -> str:
    """Return a literal as it is written, or nothing for what is no number, word or boolean."""
    if default is None:
        return _EXAMPLES.get(str(kind.value).strip("${}") if kind else "string", "")
    value = default.value
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(value) if isinstance(value, int | float) or hcl.read_literal(value) is not None else ""
    )


def drop_block(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Forget a block that nothing refers to."""
    for piece in file.of("block"):
        core = piece.node.name in ("output", "terraform", "locals")
        if not (_alone(piece) if piece.inside("block") else core or _referred_to(file, piece)):
            yield SourceEdit(piece.address, f"{piece.address} is missing", (_whole(file, piece),))


def remove_output(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Forget an output."""
    for piece in file.of("block"):
        if piece.node.name == "output" and not piece.inside("block"):
            yield SourceEdit(piece.address, f"{piece.address} is missing", (_whole(file, piece),))


def drop_argument(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Forget an argument, unless the block is nothing without it."""
    for piece in file.of("attribute"):
        block = piece.inside("block")
        needed = _NEEDED.get(block.name if block else "", ())
        local = block is not None and block.name == "locals"
        if piece.node.name in (*needed, *_WORDS_FOR_READERS) or _alone(piece):
            continue
        if not (local and _spoken_of(file, f"local.{piece.node.name}")):
            yield SourceEdit(piece.address, f"{piece.address} is not set", _removed(file, piece))


def drop_element(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Forget one of several elements of an object or of a list."""
    for piece in file.of("object_elem", "tuple"):
        if piece.node.kind == "tuple":
            yield from _dropped_items(file, piece)
        elif not _is_tag(piece) and piece.node.name not in _WORDS_FOR_READERS:
            yield SourceEdit(piece.address, f"{piece.address} is missing", _removed(file, piece))


def remove_tag(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Forget a tag."""
    for piece in file.of("object_elem"):
        if _is_tag(piece):
            title = f"the tag {piece.node.name} is missing"
            yield SourceEdit(piece.address, title, _removed(file, piece))


def flip_boolean(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Say true for false, or `==` for `!=`, and the other way round."""
    other = {"true": "false", "false": "true", **_COMPARISONS}
    for piece in file.of("literal_value", "binary_operator"):
        written = file.written(piece.node)
        if written in other:
            splice = Splice(piece.node.start, piece.node.end, other[written])
            title = f"{piece.address} says {other[written]} for {written}"
            yield SourceEdit(piece.address, title, (splice,))


def change_number(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Miss a bound by one; set any other number to 0."""
    for piece in file.of("int_lit"):
        written = file.written(piece.node)
        if len(written) > _DIGITS:
            continue
        number = int(written)
        bound = piece.inside("binary_op", "function_call")
        changed = number + 1 if bound or not number else 0
        splice = Splice(piece.node.start, piece.node.end, str(changed))
        yield SourceEdit(piece.address, f"{piece.address} has {changed} for {number}", (splice,))


def widen_policy(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Allow everything: each action, each of a service's actions, each resource, everybody."""
    for piece in file.of("attribute", "object_elem"):
        name, value = piece.node.name, piece.node.children[-1]
        if name not in _POLICY_WORDS or not _in_policy(piece):
            continue
        written = file.written(value)
        wide = ["*"]
        services = set(re.findall(r'"([a-z][a-z0-9-]*):', written))
        if name in ("actions", "Action") and len(services) == 1 and "sts" not in services:
            wide.append(f"{services.pop()}:*")
        for one in wide:
            text = f'["{one}"]' if written.startswith("[") else f'"{one}"'
            if text != written:
                splice = Splice(value.start, value.end, text)
                title = f"{piece.address} is {text}"
                yield SourceEdit(f"{piece.address}={one}", title, (splice,))


def inline_variable(file: ConfigurationFile) -> Iterator[SourceEdit]:
    """Write a variable's default, or an example, where the variable should stand."""
    for piece in file.of("get_attr_expr_term", "interpolation"):
        written = file.written(piece.node)
        inner = written[2:-1].strip() if piece.node.kind == "interpolation" else written
        found = _REFERENCE.fullmatch(inner)
        around = piece.around[-2].kind if len(piece.around) > 1 else ""
        if not found or found["name"] not in file.examples or around == "interpolation":
            continue
        if any(one.name == "validation" for one in piece.around):
            continue
        literal = file.examples[found["name"]]
        bare = literal[1:-1] if literal.startswith('"') else literal
        text = bare if piece.node.kind == "interpolation" else literal
        place = f"{piece.address}.{inner}"
        title = f"{piece.address} has {text} for {inner}"
        yield SourceEdit(place, title, (Splice(piece.node.start, piece.node.end, text),))


def _address(nodes: tuple[Node, ...]) -> str:
    """Name a node as Terraform does: `aws_s3_bucket.logs.versioning.enabled`."""
    words: list[str] = []
    for node in nodes:
        if node.kind == "block" and node.name == "resource" and not words:
            words += node.labels
        elif node.kind in ("block", "attribute", "object_elem"):
            words += [node.name, *node.labels]
    return ".".join(words)


def _referred_to(file: ConfigurationFile, piece: Piece) -> bool:
    name = piece.address
    return _spoken_of(file, re.sub(r"^variable\.", "var.", name))


def _spoken_of(file: ConfigurationFile, name: str) -> bool:
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])")
    return any(word.search(text) for text in file.beside.values())


def _alone(piece: Piece) -> bool:
    """Tell whether it is all that a nested block holds: then it is the block that one forgets."""
    blocks = [one for one in piece.around if one.kind == "block"]
    return len(blocks) > 1 and len(piece.around[-1].children) == 1


def _whole(file: ConfigurationFile, piece: Piece) -> Splice:
    return remove_lines(file.text, piece.node.start, piece.node.end)


def _is_tag(piece: Piece) -> bool:
    holder = piece.inside("attribute", "object_elem")
    return holder is not None and holder.name in _TAGS


def _in_policy(piece: Piece) -> bool:
    """Tell whether it belongs to a policy document, and not to anything that is called alike."""
    document = any("aws_iam_policy_document" in one.labels for one in piece.around)
    encoded = any(one.kind == "function_call" and one.name == "jsonencode" for one in piece.around)
    return document or encoded


def _dropped_items(file: ConfigurationFile, piece: Piece) -> Iterator[SourceEdit]:
    items = piece.node.children
    for at, item in enumerate(items if len(items) > 1 else ()):
        last = at == len(items) - 1
        splice = (
            Splice(items[at - 1].end, item.end) if last else Splice(item.start, items[at + 1].start)
        )
        written = " ".join(file.written(item).split())[:40].strip('"')
        place = f"{piece.address}.{written}"
        yield SourceEdit(place, f"{piece.address} goes without {written}", (splice,))


def _removed(file: ConfigurationFile, piece: Piece) -> tuple[Splice, ...]:
    """Remove an argument or an element, and write the ones beside it as `terraform fmt` would.

    Otherwise the formatter would notice every such mutant, and nothing else would have to.
    """
    node, around = piece.node, piece.around[-1]
    behind = file.text[node.end : find_line_end(file.text, node.end)].strip().rstrip(",")
    if begins_line(file.text, node.start) and not behind.partition("#")[0]:
        return (remove_lines(file.text, node.start, node.end), *_realigned(file, piece))
    beside = around.children
    at = next(index for index, one in enumerate(beside) if one.start == node.start)
    if at + 1 < len(beside):
        return (Splice(node.start, beside[at + 1].start),)
    return (Splice(beside[at - 1].end if at else node.start, node.end),)


def _realigned(file: ConfigurationFile, piece: Piece) -> tuple[Splice, ...]:
    """Move the `=` of the neighbours in the lines around to where they belong without it."""
    names = [(one, _name_end(one)) for one in _neighbours(file, piece)]
    width = max((end - one.start for one, end in names), default=0)
    splices = []
    for one, end in names:
        equals = file.text.find("=", end)
        gap = " " * (width - (end - one.start) + 1)
        if file.text[end:equals] not in (gap, "") and not file.text[end:equals].strip():
            splices.append(Splice(end, equals, gap))
    return tuple(splices)


def _neighbours(file: ConfigurationFile, piece: Piece) -> list[Node]:
    """Return the entries of one line each that stand without a blank line around the piece."""
    beside = [one for one in piece.around[-1].children if one.kind == piece.node.kind]
    at = next(index for index, one in enumerate(beside) if one.start == piece.node.start)
    found: list[Node] = []
    for row in (beside[at + 1 :], beside[:at][::-1]):
        last = piece.node
        for one in row:
            first, second = sorted((last, one), key=lambda node: node.start)
            between = file.text[first.end : second.start]
            if between.count("\n") != 1 or "\n" in file.written(one):
                break
            found.append(one)
            last = one
    return found


def _name_end(node: Node) -> int:
    return node.children[0].end
