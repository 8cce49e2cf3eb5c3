"""Where in a lab's files something stands."""

from __future__ import annotations

import re
from pathlib import Path

from scaffolder.core.errors import DevlabError, LabFileError
from scaffolder.model import Problem


def make_relative(path: Path, root: Path) -> str:
    """Return a path relative to the lab's folder, or to what holds the lab (a template's)."""
    for base in (root, root.parent.parent):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.as_posix()


def make_problem(error: DevlabError, root: Path) -> Problem:
    """Return an error as a problem, its path and line apart from its words."""
    if isinstance(error, LabFileError):
        return Problem(error.reason, make_relative(error.path, root), error.line, error.hint)
    placed = re.fullmatch(r"(/.+?)(?::(\d+))?: (.*)", error.message, re.DOTALL)
    if placed is None:
        return Problem(error.message, hint=error.hint)
    path, line, words = placed.groups()
    return Problem(words, make_relative(Path(path), root), int(line) if line else None, error.hint)
