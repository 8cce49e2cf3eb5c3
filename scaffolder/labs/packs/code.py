"""What in a pack is code: the list that somebody reads before they trust it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffolder.labs import rendering
from scaffolder.core.errors import DevlabError


@dataclass(frozen=True)
class Code:
    """A place in a pack that has code, relative to it, and when that code would run."""

    path: str
    runs: str


def find(root: Path) -> tuple[Code, ...]:
    """Return all code that the pack in `root` brings."""
    return (*_of_templates(root), *_of_labs(root))


def _of_templates(root: Path) -> Iterator[Code]:
    for settings in sorted((root / "templates").glob(f"*/{rendering.SETTINGS}")):
        template = settings.parent
        for hook in rendering.list_hooks(template):
            when = "before" if hook.stem.startswith("pre") else "after"
            yield Code(_name(hook, root), f"a program, {when} a workspace is made")
        try:
            for key in rendering.list_code_keys(template):
                yield Code(_name(settings, root), f"{key}: imported while a workspace is made")
        except DevlabError:
            continue


def _of_labs(root: Path) -> Iterator[Code]:
    # Whatever lies beside a test file can be imported by it, so all of the folder counts.
    for path in sorted(root.glob("labs/*/tests/**/*")):
        if path.is_file():
            yield Code(_name(path, root), "tests, whenever work on this lab is checked")


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root))
