"""Read the learner's Terraform files, in both syntaxes, without running anything.

HCL (`*.tf`) and JSON (`*.tf.json`) come out as the same blocks with lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffolder.checks.terraform.hcl import Attribute, Block, Configuration, parse_hcl
from scaffolder.core import yaml_source
from scaffolder.core.errors import UnusableFileError
from scaffolder.workspace import read_text, resolve_inside

FILE_LIMIT = 256 * 1024
FILES_LIMIT = 64

# How many labels a block has, in the JSON syntax, where nothing else tells.
_LABELS = {
    "backend": 1,
    "check": 1,
    "data": 2,
    "dynamic": 1,
    "ephemeral": 2,
    "module": 1,
    "output": 1,
    "provider": 1,
    "provisioner": 1,
    "resource": 2,
    "variable": 1,
}


def list_files(root: Path, folder: str) -> tuple[str, ...]:
    """Return the paths, relative to `root`, of the configuration files in a folder.

    Raises UnusableFileError where there is no such folder, or no file in it, or far too many.
    """
    place = resolve_inside(root, folder)
    try:
        is_folder = place.is_dir()
    except OSError as error:
        # Such as a name of thousands of characters.
        raise UnusableFileError(f"cannot be looked at: {error.strerror}", folder[:200]) from error
    if not is_folder:
        raise UnusableFileError("is missing: there is no such folder", folder)
    names = sorted(entry.name for entry in place.iterdir() if is_configuration(entry.name))
    if not names:
        raise UnusableFileError("holds no *.tf file", folder)
    if len(names) > FILES_LIMIT:
        raise UnusableFileError(f"holds {len(names)} files; at most {FILES_LIMIT} are read", folder)
    return tuple((Path(folder) / name).as_posix() for name in names)


def is_configuration(name: str) -> bool:
    """Whether Terraform reads a file of this name: `#x.tf` it does, `.x.tf` it does not."""
    return name.endswith((".tf", ".tf.json")) and not name.startswith(".")


def is_override(path: str) -> bool:
    """Whether the blocks of a file are merged into those of the others, and may hold less.

    https://developer.hashicorp.com/terraform/language/files/override
    """
    stem = path.rpartition("/")[2].partition(".tf")[0]
    return stem == "override" or stem.endswith("_override")


def read_configuration(root: Path, folder: str) -> Configuration:
    """Parse the configuration in `root / folder`, without the folders below it.

    Raises UnusableFileError with path and line for anything that cannot be read or parsed.
    """
    texts = {path: read_text(root, path, FILE_LIMIT) for path in list_files(root, folder)}
    blocks: list[Block] = []
    for path, text in texts.items():
        blocks += parse_json(text, path) if path.endswith(".json") else parse_hcl(text, path)
    return Configuration(tuple(blocks), texts)


def parse_json(text: str, path: str) -> tuple[Block, ...]:
    """Parse one file in Terraform's JSON syntax; raises UnusableFileError as `parse`."""
    try:
        json.loads(text)
        # JSON is YAML, once tabs are gone, and the YAML reader knows lines and bounds.
        document = yaml_source.load_yaml(text.replace("\t", " "))
    except json.JSONDecodeError as error:
        raise UnusableFileError(
            f"is not valid JSON: {error.msg}", path, line=error.lineno
        ) from error
    except yaml_source.YamlError as error:
        raise UnusableFileError(error.message, path, line=error.line) from error
    except RecursionError as error:
        raise UnusableFileError("is nested too deeply to be read", path) from error
    except ValueError as error:
        raise UnusableFileError("holds a number with thousands of digits", path) from error
    if not isinstance(document.data, dict):
        raise UnusableFileError("must be a JSON object", path, line=1)
    return tuple(_JsonReader(document, path).blocks(document.data, ()))


class _JsonReader:
    """Turns the JSON syntax into blocks; an object may be a block or a value: it is both."""

    def __init__(self, document: yaml_source.Document, path: str) -> None:
        self._document = document
        self._path = path

    def blocks(self, body: Mapping[Any, Any], position: yaml_source.Position) -> Iterator[Block]:
        for key, value in body.items():
            if isinstance(value, dict | list):
                depth = _LABELS.get(str(key), 0)
                yield from self._labelled(str(key), (), depth, value, (*position, key))

    def _labelled(
        self, kind: str, labels: tuple[str, ...], depth: int, value: Any, at: yaml_source.Position
    ) -> Iterator[Block]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._labelled(kind, labels, depth, item, (*at, index))
        elif isinstance(value, dict) and depth > 0:
            for label, inner in value.items():
                yield from self._labelled(
                    kind, (*labels, str(label)), depth - 1, inner, (*at, label)
                )
        elif isinstance(value, dict):
            line = self._document.line(*at)
            attributes = {
                str(key): Attribute(_as_hcl(item), self._document.line(*at, key))
                for key, item in value.items()
            }
            inner_blocks = tuple(self.blocks(value, at))
            yield Block(kind, labels, self._path, line, line, attributes, inner_blocks)


def _as_hcl(value: Any) -> Any:
    """Quote literal strings, as they stand in HCL."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return [_as_hcl(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _as_hcl(item) for key, item in value.items()}
    return value
