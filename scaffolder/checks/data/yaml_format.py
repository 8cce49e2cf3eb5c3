"""YAML, and the YAML above the text of a Markdown file."""

from __future__ import annotations

import datetime
from typing import Any

from scaffolder.checks.data.places import DataDocument, DataError, Keys, make_twice_error
from scaffolder.core.lines import split_lines
from scaffolder.core.yaml_source import Document, YamlError, load_documents

_MARK = "---"
_ENDS = (_MARK, "...")


def read_yaml(text: str) -> tuple[DataDocument, ...]:
    """Return all documents of a text; raises DataError."""
    try:
        return tuple(map(_make_plain, load_documents(text)))
    except YamlError as error:
        rule = "key-twice" if "stands twice" in error.message else "syntax"
        raise DataError(f"is no data: {error.message}", error.line, rule) from error


def read_front_matter(text: str) -> tuple[DataDocument, ...]:
    """Return what stands between the first line `---` and the next one; raises DataError."""
    lines = [line.rstrip() for line in split_lines(text.removeprefix("\ufeff"))] if text else []
    if not lines or lines[0] != _MARK:
        raise DataError("has no front matter: its first line is not ---", rule="no-front-matter")
    end = next((at for at, line in enumerate(lines[1:], 1) if line in _ENDS), None)
    if end is None:
        message = "has a front matter without an end: no line below it is ---"
        raise DataError(message, rule="no-front-matter")
    # An empty first line, so that the others keep their numbers.
    return read_yaml("\n".join(["", *lines[1:end]]))


def _make_plain(document: Document) -> DataDocument:
    """Return a document as JSON has it: keys are text, and so are dates."""
    lines: dict[Keys, int] = {}

    def convert(value: Any, there: Keys, here: Keys) -> Any:
        lines[here] = document.line(*there)
        if isinstance(value, dict):
            return {
                str(key): convert(part, (*there, key), (*here, str(key)))
                for key, part in value.items()
            }
        if isinstance(value, list):
            return [convert(part, (*there, at), (*here, at)) for at, part in enumerate(value)]
        return make_scalar(value)

    _refuse_same_words(document)
    return DataDocument(convert(document.data, (), ()), lines)


def make_scalar(value: Any) -> Any:
    """Return a value that has no parts as JSON has it."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else str(value)


def _refuse_same_words(document: Document) -> None:
    """Raise where two keys of a mapping, as 1 and "1", are the same text."""
    waiting: list[tuple[Any, Keys]] = [(document.data, ())]
    while waiting:
        value, keys = waiting.pop()
        if isinstance(value, list):
            waiting += [(part, (*keys, at)) for at, part in enumerate(value)]
        elif isinstance(value, dict):
            seen: set[str] = set()
            for key, part in value.items():
                if str(key) in seen:
                    raise make_twice_error(str(key), document.line(*keys, key))
                seen.add(str(key))
                waiting.append((part, (*keys, key)))
