"""Take the variables of a configuration, with what their rules need, out of the rest of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffolder.checks.terraform import hcl
from scaffolder.checks.terraform.hcl import Block, Configuration, Node

_VARIABLE = re.compile(r"\bvar\.([^\W\d][\w-]*)")
_LOCAL = re.compile(r"\blocal\.([^\W\d][\w-]*)")


def extract_variables(configuration: Configuration) -> dict[str, str]:
    """Return, by file name, the blocks of the variables and the locals that these lead to.

    Lines keep their numbers, so that what Terraform says about them still fits.
    """
    needed: set[str] = set()
    while True:
        parts = {
            Path(path).name: _part(text, path, needed) for path, text in configuration.texts.items()
        }
        found = {name for text in parts.values() for name in _LOCAL.findall(text)}
        if found <= needed:
            return parts
        needed |= found


def are_independent(configuration: Configuration) -> bool:
    """Whether no variable's rules look at another variable."""
    texts = "\n".join(extract_variables(configuration).values())
    others = _VARIABLE.findall(texts)
    declared = [block.labels[0] for block in configuration.of("variable") if block.labels]
    if any(block.type == "locals" for block in configuration.blocks) and "local." in texts:
        return False
    return all(
        set(_VARIABLE.findall(_text_of(configuration, block))) <= {block.labels[0]}
        for block in configuration.of("variable")
        if block.labels
    ) and set(others) <= set(declared)


def _text_of(configuration: Configuration, block: Block) -> str:
    if block.path.endswith(".json"):
        return json.dumps([_raw(inner) for inner in block.walk()])
    lines = configuration.texts[block.path].split("\n")
    return "\n".join(lines[block.line - 1 : block.end_line])


def _raw(block: Block) -> dict[str, str]:
    return {name: str(attribute.value) for name, attribute in block.attributes.items()}


def _part(text: str, path: str, needed: set[str]) -> str:
    if path.endswith(".json"):
        return _part_of_json(text, needed)
    kept = list(_kept(hcl.parse_tree(text, path), text, needed))
    pieces = []
    at = 0
    for start, end in kept:
        pieces += [_blank(text[at:start]), text[start:end]]
        at = end
    return "".join((*pieces, _blank(text[at:])))


def _kept(body: Node, text: str, needed: set[str]) -> Iterator[tuple[int, int]]:
    """Yield where that begins and ends what is kept, in its order."""
    for block in body.children:
        if block.kind != "block":
            continue
        if block.name == "variable":
            yield block.start, block.end
        elif block.name == "locals":
            inner = block.children[-1]
            yield block.start, text.index("{", block.start) + 1
            for attribute in inner.children:
                written = text[attribute.start : attribute.end].partition("=")[0].strip()
                if attribute.kind == "attribute" and written in needed:
                    yield attribute.start, attribute.end
            yield block.end - 1, block.end


def _part_of_json(text: str, needed: set[str]) -> str:
    content = json.loads(text)
    kept: dict[str, Any] = {}
    if "variable" in content:
        kept["variable"] = content["variable"]
    listed = content.get("locals", {})
    for group in listed if isinstance(listed, list) else [listed]:
        if isinstance(group, dict):
            chosen = {name: value for name, value in group.items() if name in needed}
            kept.setdefault("locals", []).append(chosen)
    return json.dumps(kept)


def _blank(text: str) -> str:
    return "\n" * text.count("\n")
