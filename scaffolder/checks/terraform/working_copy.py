"""The folder where Terraform runs: nothing of Terraform's lies in it that was not parsed.

Terraform reads files by their names: configuration, overrides, values, tests, and what it left of
earlier runs (modules that it remembers, another backend, a state). What of these was parsed is
written anew from the very text that was looked at; all others are taken out. Everything else, such
as templates, stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffolder.checks.terraform import hcl
from scaffolder.checks.terraform.files import FILE_LIMIT, is_configuration
from scaffolder.checks.terraform.hcl import Configuration
from scaffolder.core.folders import remove_tree
from scaffolder.workspace import read_text

_MEANT = (".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".tfvars.json")
_MEANT_MORE = (".tftest.hcl", ".tftest.json", ".tfmock.hcl", ".tfmock.json", ".tfquery.hcl")
_STATES = (".tfstate", ".tfstate.backup", ".terraform.lock.hcl", ".tfstate.lock.info")
_FOLDERS = (".terraform", "terraform.tfstate.d")


def clear(work: Path, folder: str, modules: Mapping[str, Configuration], root: Path) -> Path:
    """Leave of Terraform's own in the copy `work` only what was parsed; return its folder there.

    `modules` are the parsed configurations, `root` is the work that they were read from. Raises
    UnusableFileError where a file of values cannot be read.
    """
    texts = {path: text for one in modules.values() for path, text in one.texts.items()}
    texts |= _values(root, folder)
    for place, folders, names in os.walk(work):
        for name in [name for name in folders if name in _FOLDERS]:
            _remove(Path(place, name))
            folders.remove(name)
        for name in names:
            if is_terraforms(name):
                Path(place, name).unlink()
    for path, text in texts.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    return work / folder


def count_configurations(modules: Mapping[str, Configuration]) -> int:
    """Return how many configurations of the provider there may be."""
    return sum(len(configuration.of("provider")) for configuration in modules.values())


def copy_unprotected(work: Path, target: Path, modules: Mapping[str, Configuration]) -> None:
    """Copy some work to the new folder `target`, without what protects resources in it."""
    shutil.copytree(work, target, symlinks=True)
    lift_protection(target, modules)


def lift_protection(work: Path, modules: Mapping[str, Configuration]) -> None:
    """Write the configuration into the copy `work` with `prevent_destroy = false` everywhere."""
    for configuration in modules.values():
        for path, text in configuration.texts.items():
            (work / path).write_bytes(_unprotected(text, path).encode())


def is_protected(modules: Mapping[str, Configuration]) -> bool:
    """Whether anything is kept from being destroyed."""
    return any(
        "prevent_destroy" in inner.attributes
        for configuration in modules.values()
        for block in configuration.blocks
        for inner in block.walk()
    )


def _unprotected(text: str, path: str) -> str:
    if path.endswith(".json"):
        return json.dumps(json.loads(text, object_hook=_without_protection))
    for _, node in reversed(list(hcl.parse_tree(text, path).walk())):
        if node.kind == "attribute" and node.name == "prevent_destroy":
            text = f"{text[: node.start]}prevent_destroy = false{text[node.end :]}"
    return text


def _without_protection(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "prevent_destroy": False} if "prevent_destroy" in item else item


def is_terraforms(name: str) -> bool:
    """Whether a file of this name means something to Terraform, or is left of it."""
    return name.endswith((*_MEANT, *_MEANT_MORE, *_STATES)) or is_configuration(name)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        remove_tree(path)


def _values(root: Path, folder: str) -> dict[str, str]:
    """Return the files of values that Terraform takes by itself, with their texts."""
    names = sorted(entry.name for entry in (root / folder).iterdir())
    texts = {}
    for name in filter(_taken_by_itself, names):
        path = (Path(folder) / name).as_posix()
        texts[path] = read_text(root, path, FILE_LIMIT)
        if path.endswith(".tfvars"):
            hcl.parse_hcl(f"values {{\n{texts[path]}\n}}\n", path)
    return texts


def _taken_by_itself(name: str) -> bool:
    stem, dot, _ = name.partition(".tfvars")
    return bool(dot) and (stem == "terraform" or stem.endswith(".auto")) and name[0] != "."
