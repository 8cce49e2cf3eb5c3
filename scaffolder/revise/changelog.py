"""What a lab's author says has changed: CHANGELOG.md, with one heading for each version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Lab
from scaffolder.revise.versions import is_later
from scaffolder.workspace import read_text

FILE = "CHANGELOG.md"
# `## 2`, `## [1.10] - 2026-01-31`, `## v3 (autumn)`, `## Version 2: autumn`
_HEADING = re.compile(
    r"##\s+(?:(?:version|release)\s+)?\[?(?:v(?=\d))?"
    r"(?P<version>[^\s\]]*[^\s\]:,;.])[\]:,;.]*(?:[\s(].*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Section:
    """What one version changed, as its author wrote it."""

    version: str
    text: str


def split_sections(text: str) -> tuple[Section, ...]:
    """Return the sections of a changelog, in its order; what stands above the first is no part."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            found.append((heading["version"], []))
        elif found:
            found[-1][1].append(line)
    return tuple(Section(version, "\n".join(lines).strip("\n")) for version, lines in found)


def read_changes(lab: Lab, old: str) -> tuple[Section, ...]:
    """Return what changed in a lab after the version `old`, the latest as the changelog has it.

    Nothing where the lab has no changelog, or none that can be read.
    """
    try:
        text = read_text(lab.root, FILE)
    except UnusableFileError:
        return ()
    return tuple(
        section
        for section in split_sections(text)
        if is_later(section.version, old) and is_later(section.version, lab.version) is not True
    )
