"""yamllint, run as a program of its own: the only place that does.

In pure Python it reads hostile files by recursion, and its licence is not ours to link with.
"""

from __future__ import annotations

import json
import re
import sys
from functools import partial

from scaffolder.checks.lint.marks import find_by_pattern
from scaffolder.checks.lint.programs import Linter, find_program
from scaffolder.checks.linting import Level, Violation
from scaffolder.core.lines import split_lines
from scaffolder.sandbox import list_own_code
from scaffolder.tools.versions import ask_version

_MARKS = re.compile(r"#[^\w\n]*(?P<mark>yamllint)")
_LINE = re.compile(
    r"(?P<path>.+?):(?P<line>\d+):\d+: \[(?P<level>error|warning)\] (?P<message>.+?)"
    r"(?: \((?P<rule>[\w-]+)\))?"
)
_PAGES = "https://yamllint.readthedocs.io/en/stable/rules.html"
_SYNTAX = "syntax"


def read_version() -> str:
    """Return yamllint's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((*_find_yamllint(), "--version"))


def make_linter(style: str, line_length: int) -> Linter:
    """Return yamllint with one of its own sets of rules, and a length that lines may have."""
    return Linter(
        name="yamllint",
        argv=partial(_make_argv, style, line_length),
        read=_read,
        sample="a: [\n",
        suffix=".yaml",
        mark="yamllint",
        find_marks=find_by_pattern(_MARKS),
        visible=list_own_code,
        needs_work=False,
    )


def _make_argv(style: str, line_length: int) -> tuple[str, ...]:
    level = "error" if style == "default" else "warning"
    length = {"max": line_length, "level": level, "allow-non-breakable-inline-mappings": True}
    settings = {"extends": style, "rules": {"line-length": length}}
    return (*_find_yamllint(), "--config-data", json.dumps(settings), "--format", "parsable", "--")


def _read(output: str) -> list[Violation]:
    found = []
    for line in split_lines(output) if output else ():
        told = _LINE.fullmatch(line)
        if told is None:
            raise ValueError(line[:80])
        level: Level = "error" if told["level"] == "error" else "warning"
        rule = told["rule"] or _SYNTAX
        page = "" if rule == _SYNTAX else f"{_PAGES}#module-yamllint.rules.{rule.replace('-', '_')}"
        path, number = told["path"], int(told["line"])
        found.append(Violation(rule, level, number, told["message"], page, path))
    return found


def _find_yamllint() -> tuple[str, ...]:
    find_program("yamllint", "yamllint")
    # -I: nothing is imported from the folder in which it runs.
    return (sys.executable, "-I", "-m", "yamllint")
