"""Find the expressions in texts that Terraform reads as templates: here-documents, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scaffolder.core import yaml_source

_DIRECTIVES = ("if", "for", "else", "endif", "endfor")


def find_json_expressions(text: str) -> Iterator[tuple[str, int]]:
    """Yield the expressions in a configuration in JSON, each as a small file in HCL and its line.

    An object's elements come as attributes of blocks of the names around them, so that they are
    told by their names as in HCL.
    """
    document = yaml_source.load_yaml(text.replace("\t", " "))
    yield from _of_value(document, document.data, ())


def _of_value(
    document: yaml_source.Document, value: Any, at: yaml_source.Position
) -> Iterator[tuple[str, int]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _of_value(document, item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _of_value(document, item, (*at, number))
    elif isinstance(value, str):
        line = document.line(*at)
        names = [key for key in at if isinstance(key, str)]
        kind, name = names[0] if names else "", names[-1] if names else ""
        if f"{kind}{name}".isidentifier():
            yield f"{kind} {{\n{name} = {_quoted(value)}\n}}\n", line
        for source in find_expressions(value):
            yield source, line


def _quoted(text: str) -> str:
    """Return a template as a text in quotes; what is in its expressions stays as it is."""
    pieces = []
    at = 0
    for start, end in _spans(text):
        pieces += [_escaped(text[at:start]), text[start:end]]
        at = end
    return '"' + "".join((*pieces, _escaped(text[at:]))) + '"'


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def find_expressions(text: str) -> Iterator[str]:
    """Yield each expression within `${ }` and `%{ }`, as a small file in HCL."""
    for start, end in _spans(text):
        inner = text[start + 2 : end - 1].strip().removeprefix("~").removesuffix("~").strip()
        word = inner.split(maxsplit=1)[0] if inner else ""
        if text[start] == "%" and word in _DIRECTIVES:
            inner = inner.removeprefix(word)
            inner = inner.partition(" in ")[2] if word == "for" else inner
        if inner.strip():
            yield f"x = ({inner.strip()})\n"


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where `${ }` and `%{ }` begin and end; `$${` and `%%{` are no such thing."""
    at = 0
    while at < len(text) - 1:
        if text[at : at + 3] in ("$${", "%%{"):
            at += 3
        elif text[at : at + 2] in ("${", "%{"):
            end = _closing(text, at + 2)
            yield at, end
            at = end
        else:
            at += 1


def _closing(text: str, at: int) -> int:
    """Return where the brace that is open at `at` closes, texts within it left out."""
    depth = 1
    while at < len(text) and depth:
        if text[at] == '"':
            at = _end_of_string(text, at + 1)
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def _end_of_string(text: str, at: int) -> int:
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 2
        elif text[at : at + 2] in ("${", "%{"):
            at = _closing(text, at + 2)
        else:
            at += 1
    return at + 1
