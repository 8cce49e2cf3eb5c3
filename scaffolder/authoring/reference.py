"""The reference of check kinds, read from their classes: the docstring and the fields.

A kind's docstring has, after a summary in one line and a description, the sections Parameters,
Passes, Fails and Example. What parameters there are, of which type and with which default, is not
taken from the words but from the class.
"""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scaffolder.checks.kind import Kind
from scaffolder.core.errors import DevlabError
from scaffolder.core.suggest import suggest_name
from scaffolder.labs.lab_file import load_kinds

SECTIONS = ("Parameters", "Passes", "Fails", "Example")
_WIDTH = 100
# Of an object with more keys than so many the types are not told; and of one in another object.
_FIELDS_SHOWN = (9, 4)


class KindParameter(msgspec.Struct, frozen=True):
    """One key that a kind understands; `default` is JSON, or nothing where it is required."""

    name: str
    type: str
    text: str
    default: str | None = None


class KindPage(msgspec.Struct, frozen=True):
    """All that an author needs to know about one kind.

    `example` is YAML: a list of one check. `sample` is a file that it names, where there is one.
    """

    kind: str
    summary: str
    description: str
    parameters: tuple[KindParameter, ...]
    passes: str
    fails: str
    example: str
    sample: str = ""

    @property
    def family(self) -> str:
        """What stands before the dot."""
        return self.kind.partition(".")[0]


def list_pages() -> tuple[KindPage, ...]:
    """Return the pages of all kinds, in the order of the registry."""
    return tuple(read_page(kind, cls) for kind, cls in load_kinds().items())


def find_page(kind: str) -> KindPage:
    """Return the page of one kind; raises DevlabError with the nearest where there is none."""
    kinds = load_kinds()
    if kind not in kinds:
        raise DevlabError(
            f"there is no check kind {kind!r}{suggest_name(kind, kinds)}",
            hint="devlab lab kinds lists them all",
        )
    return read_page(kind, kinds[kind])


def read_page(kind: str, cls: type[Kind]) -> KindPage:
    introduction, sections = _split(inspect.getdoc(cls) or "")
    summary, _, description = introduction.partition("\n")
    example, _, sample = sections.get("Example", "").partition("\n\n")
    return KindPage(
        kind=kind,
        summary=summary.strip(),
        description=_unwrap(description),
        parameters=_parameters(cls, parse_parameter_words(sections.get("Parameters", ""))),
        passes=_unwrap(sections.get("Passes", "")),
        fails=_unwrap(sections.get("Fails", "")),
        example=example,
        sample=sample,
    )


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the sections, and the sections by name, without indentation."""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):[ ]?", text, flags=re.MULTILINE)
    names, bodies = parts[1::2], parts[2::2]
    return parts[0].strip(), {name: _dedent(body) for name, body in zip(names, bodies, strict=True)}


def _dedent(body: str) -> str:
    first, newline, rest = body.partition("\n")
    return f"{first}{newline}{textwrap.dedent(rest)}".strip("\n").rstrip()


def _unwrap(text: str) -> str:
    """Return paragraphs and list items of one line each: who shows them knows the page's width."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(_unwrap_paragraph(paragraph) for paragraph in paragraphs)


def _unwrap_paragraph(text: str) -> str:
    items = re.split(r"^\s*(?=- )", text, flags=re.MULTILINE)
    return "\n".join(" ".join(item.split()) for item in items if item.strip())


def parse_parameter_words(section: str) -> dict[str, str]:
    """Return the words about each parameter; `a, b: words` speaks of two."""
    found: dict[str, str] = {}
    for entry in re.split(r"^(?=\w[\w, ]*:)", section, flags=re.MULTILINE):
        names, _, words = entry.partition(":")
        for name in names.split(","):
            if name.strip():
                found[name.strip()] = " ".join(words.split())
    return found


def _parameters(cls: type[Kind], words: Mapping[str, str]) -> tuple[KindParameter, ...]:
    """Return the parameters in the order in which the docstring speaks of them."""
    own, parts = read_kind_schema(cls, "{name}")
    fields = own["properties"]
    required = own.get("required", [])
    order = [name for name in dict.fromkeys((*words, *fields)) if name in fields]
    return tuple(
        KindParameter(
            name=name,
            type=describe_type(fields[name], parts),
            text=words.get(name, ""),
            default=None if name in required else _default(cls, name, fields[name]),
        )
        for name in order
    )


def read_kind_schema(
    cls: type[Kind], ref_template: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the JSON Schema of a kind's parameters, and those of the types in it by name.

    `ref_template` says, with `{name}`, how the first refers to the others.
    """
    keyed = cls.find_value_types()
    types = list(dict.fromkeys(one for values in keyed.values() for one in values.values()))
    (found, *others), parts = msgspec.json.schema_components(
        [cls, *types], ref_template=ref_template
    )
    own = parts.pop(found["$ref"].rpartition("/")[2])
    for name, values in keyed.items():
        own["properties"][name] |= {
            "properties": {key: others[types.index(one)] for key, one in values.items()},
            "additionalProperties": False,
        }
    return own, parts


def _default(cls: type[Kind], name: str, schema: Mapping[str, Any]) -> str:
    field = next(one for one in msgspec.structs.fields(cls) if one.encode_name == name)
    value = field.default
    if value is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    if value is msgspec.UNSET:
        value = {} if schema.get("type") == "object" else None
    return msgspec.json.encode(value).decode()


def describe_type(  # noqa: PLR0911 -- one for each way in which a type is written
    schema: Mapping[str, Any], parts: Mapping[str, Any], depth: int = 0
) -> str:
    """Return a JSON schema's type in a few words, e.g. `list of text`.

    `depth` says in how many objects it lies: of large ones in others the names are enough.
    """
    if "$ref" in schema:
        schema = parts[schema["$ref"]]
    if "properties" in schema:
        return _object_words(schema, parts, depth)
    if "enum" in schema:
        return " or ".join(str(one) for one in schema["enum"])
    if "anyOf" in schema:
        # Bounds make no other type of one.
        told = dict.fromkeys(describe_type(one, parts, depth) for one in schema["anyOf"])
        return " or ".join(told)
    if schema.get("type") == "array" and "prefixItems" in schema:
        pair = [describe_type(one, parts, depth) for one in schema["prefixItems"]]
        return f"[{', '.join(pair)}]"
    if schema.get("type") == "array":
        return f"list of {describe_type(schema.get('items') or {}, parts, depth)}"
    if schema.get("type") == "object":
        inside = describe_type(schema.get("additionalProperties") or {}, parts, depth)
        return f"mapping of names to {inside}"
    plain = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return plain.get(str(schema.get("type")), str(schema.get("type", "anything")))


def _object_words(part: Mapping[str, Any], parts: Mapping[str, Any], depth: int) -> str:
    properties = part["properties"]
    if len(properties) > _FIELDS_SHOWN[min(depth, 1)]:
        return f"{{{', '.join(properties)}}}"
    fields = [
        f"{name}: {describe_type(schema, parts, depth + 1)}"
        f"{'' if name in part.get('required', []) else '?'}"
        for name, schema in properties.items()
    ]
    return f"{{{', '.join(fields)}}}"


def format_page(page: KindPage, width: int = _WIDTH) -> str:
    """Return a kind's page for a terminal of so many columns."""
    lines = [page.kind, *_wrap(page.summary, width, "  ")]
    for paragraph in filter(None, page.description.split("\n\n")):
        lines.append("")
        for item in paragraph.splitlines():
            lines += _wrap(item, width, "  ", "    " if item.startswith("- ") else None)
    lines += ["", "Parameters"]
    for one in page.parameters:
        told = "required" if one.default is None else f"default {one.default}"
        lines += _wrap(f"{one.name}: {one.type}; {told}", width, "  ", "      ")
        lines += _wrap(one.text, width, "      ")
    lines += ["", "Passes", *_wrap(page.passes, width, "  ")]
    lines += ["", "Fails", *_wrap(page.fails, width, "  ")]
    lines += ["", "Example", textwrap.indent(page.example, "  ")]
    if page.sample:
        lines += ["", textwrap.indent(page.sample, "  ")]
    return "\n".join(lines)


def _wrap(text: str, width: int, indent: str, later: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        min(width, _WIDTH),
        initial_indent=indent,
        subsequent_indent=indent if later is None else later,
        break_on_hyphens=False,
    )


def format_list(all_pages: Sequence[KindPage], width: int = _WIDTH) -> str:
    """Return one line or two per kind, by family, for a terminal of so many columns."""
    lines: list[str] = []
    for family, members in itertools.groupby(all_pages, key=lambda page: page.family):
        lines += ["", family] if lines else [family]
        for page in members:
            lines += _wrap(f"{page.kind:<21} {page.summary}", width, "  ", " " * 24)
    return "\n".join(lines)


def format_markdown(all_pages: Sequence[KindPage]) -> str:
    """Return the whole reference as one Markdown document."""
    head = [
        "# Check kinds",
        "",
        "Generated by `devlab lab kinds --format markdown`; the words are the docstrings'.",
        "",
        "Every check has an `id`, a `kind`, and may have a `timeout`: the seconds that the",
        "learner's work may take. The rest are the parameters of its kind.",
        "",
        "| kind | what it verifies |",
        "| --- | --- |",
        *(f"| [`{page.kind}`](#{_anchor(page.kind)}) | {page.summary} |" for page in all_pages),
    ]
    return "\n".join([*head, *(_markdown_page(page) for page in all_pages)]) + "\n"


def _anchor(kind: str) -> str:
    return kind.replace(".", "")


def _markdown_page(page: KindPage) -> str:
    rows = [
        f"| `{one.name}` | {_cell(one.type)} | "
        f"{'required' if one.default is None else f'`{_cell(one.default)}`'} | {_cell(one.text)} |"
        for one in page.parameters
    ]
    table = ["| parameter | type | default | |", "| --- | --- | --- | --- |", *rows]
    words = [page.summary, page.description, "\n".join(table)]
    words += [f"**Passes:** {page.passes}", f"**Fails:** {page.fails}"]
    body = "\n\n".join(filter(None, words))
    sample = f"\n\n```python\n{page.sample}\n```" if page.sample else ""
    return f"\n## {page.kind}\n\n{body}\n\n```yaml\n{page.example}\n```{sample}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
