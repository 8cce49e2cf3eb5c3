"""ruff: the linter of Python, and the only place that runs it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import msgspec

from scaffolder.checks.lint.marks import find_by_pattern
from scaffolder.checks.lint.programs import Linter, find_program
from scaffolder.checks.linting import Violation
from scaffolder.tools.versions import ask_version

# `# isort: off` and the like; what else would silence ruff is off by --ignore-noqa.
_MARKS = re.compile(r"#[^\w\n]*(?:ruff[^\w\n]*)?(?P<mark>isort)", re.IGNORECASE)
_SYNTAX = "invalid-syntax"
# A file that could not be read, which is no trait of what is in it.
_UNREAD = "E902"


class _Place(msgspec.Struct):
    row: int


class _Item(msgspec.Struct):
    filename: str
    message: str
    location: _Place | None = None
    code: str | None = None
    url: str | None = None


def read_version() -> str:
    """Return ruff's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((_find_ruff(), "--version"))


def make_linter(select: Sequence[str], python: str) -> Linter:
    """Return ruff with the rules of `select`, for code that runs on the version `python`."""
    return Linter(
        name="ruff",
        argv=partial(_make_argv, tuple(select), python),
        read=_read,
        sample="def f(:\n",
        suffix=".py",
        mark="isort",
        find_marks=find_by_pattern(_MARKS),
    )


def _make_argv(select: tuple[str, ...], python: str) -> tuple[str, ...]:
    return (
        *(_find_ruff(), "check", "--quiet", "--isolated", "--no-cache", "--ignore-noqa"),
        *("--no-respect-gitignore", "--output-format=json", f"--select={','.join(select)}"),
        *(f"--target-version=py{python.replace('.', '')}", "--"),
    )


def _read(output: str) -> list[Violation]:
    found = msgspec.json.decode(output, type=list[_Item])
    if any(item.code == _UNREAD for item in found):
        raise ValueError("a file could not be read")
    return [
        Violation(
            rule=item.code or _SYNTAX,
            level="error",
            line=item.location.row if item.location else 1,
            message=item.message,
            url=item.url or "",
            path=item.filename,
        )
        for item in found
    ]


def _find_ruff() -> str:
    return find_program("ruff", "ruff")
