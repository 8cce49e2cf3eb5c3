"""Check kinds that lint: `shell.lint`, `python.lint`, `yaml.lint`."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import ClassVar, Literal

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.lint import ruff, shellcheck, yamllint
from scaffolder.checks.lint.files import read_files
from scaffolder.checks.lint.hidden import lint_hidden_scripts
from scaffolder.checks.lint.programs import lint_texts
from scaffolder.checks.lint.shell_syntax import has_command, parse_work_script
from scaffolder.checks.lint.tools import RUFF, SHELLCHECK, SHFMT, YAMLLINT
from scaffolder.checks.linting import Level, Linted, LintKind
from scaffolder.model import Finding
from scaffolder.model.tool import Tool
from scaffolder.tools import python_syntax

_SELECTOR = re.compile(r"ALL|[A-Z]+[0-9]*")


class ShellLint(LintKind, frozen=True, kw_only=True):
    """Shell scripts follow the rules of shellcheck.

    Runs shellcheck on a copy of the scripts in which no comment can silence it, and without any
    `.shellcheckrc`. What a script reads in (`. ./common.sh`) is followed within the work, so that
    its variables are known; what cannot be followed is no fault. In which language a script is
    written, its first line says; where it has none, a comment `# shellcheck shell=bash` may. A
    script that is handed to a shell as a here-document, a quoted word behind `-c` or by `eval` is
    looked at like any other.

    Parameters:
        files: patterns of paths; `*` stands for slashes too. A file that is named in full must be
            there, and of the others one that fits. A script with another language's first line is
            a finding, so leave out what is no shell script.
        shell: the language of all of them, whatever they say: sh, bash, dash, ksh or busybox.
        threshold: the lowest level that counts: error, warning, info or style.
        ignore: rules that do not count here, e.g. SC2312.

    Passes: shellcheck reports nothing at or above the threshold.

    Fails: it reports something, a syntax error among it; a file is missing, is no text, holds no
    command at all, or is more than shellcheck comes to an end with.

    Example:
        - id: scripts-are-clean
          kind: shell.lint
          files: ["*.sh", "bin/*"]
    """

    requires: ClassVar[frozenset[Tool]] = frozenset({SHELLCHECK, SHFMT, SANDBOX})
    linter: ClassVar[str] = "shellcheck"

    files: tuple[str, ...]
    shell: Literal["", "sh", "bash", "dash", "ksh", "busybox"] = ""
    threshold: Level = "info"

    def lint(self, context: Context) -> Linted:
        texts = read_files(context.run, self.files)
        trees = {path: parse_work_script(context, text) for path, text in texts.items()}
        empty = [path for path, tree in trees.items() if tree is not None and not has_command(tree)]
        _refuse_empty(empty, "command")
        found = lint_texts(context, shellcheck.make_linter(self.shell), texts)
        found += lint_hidden_scripts(context, trees)
        return Linted(tuple(texts), found, _show_command("shellcheck --norc", texts))


class PythonLint(LintKind, frozen=True, kw_only=True):
    """Python files follow the rules of ruff that the lab names.

    Runs `ruff check --isolated --ignore-noqa` on a copy of the work: neither the learner's
    `pyproject.toml` and `ruff.toml` nor any comment (`# noqa`, `# ruff: noqa`, `# isort: skip`)
    has a say.

    Parameters:
        files: patterns of paths; `*` stands for slashes too. A file that is named in full must be
            there, and of the others one that fits.
        select: ruff's rules, or beginnings of them: `[E, F, B, S]`, `[E722, PTH]`.
        ignore: rules that do not count here, e.g. S101.
        python: the version that the code is written for; an older one does not know newer syntax.

    Passes: ruff reports nothing.

    Fails: it reports something, a syntax error among it; a file is missing, is no text, or is more
    than ruff comes to an end with; a file other than an `__init__.py` holds no statement, or none
    of them does.

    Example:
        - id: code-is-clean
          kind: python.lint
          files: ["app/*.py"]
          select: [E, F, B, S]
    """

    requires: ClassVar[frozenset[Tool]] = frozenset({RUFF, SANDBOX})
    linter: ClassVar[str] = "ruff"

    files: tuple[str, ...]
    select: tuple[str, ...]
    python: Literal["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"] = "3.14"

    def __post_init__(self) -> None:
        """Refuse what cannot be a rule, and a selection of none."""
        wrong = [one for one in (*self.select, *self.ignore) if not _SELECTOR.fullmatch(one)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no rule of ruff: those are E, F401 or ALL")
        if not self.select:
            raise ValueError("give `select` at least one rule, otherwise everything passes")

    def lint(self, context: Context) -> Linted:
        texts = read_files(context.run, self.files)
        bare = [path for path, text in texts.items() if not _has_statement(text)]
        packages = [path for path in bare if PurePosixPath(path).name == "__init__.py"]
        _refuse_empty(bare if len(bare) == len(texts) else set(bare) - set(packages), "statement")
        found = lint_texts(context, ruff.make_linter(self.select, self.python), texts)
        ran = f"ruff check --isolated --ignore-noqa --select {','.join(self.select)}"
        return Linted(tuple(texts), found, _show_command(ran, texts))


class YamlLint(LintKind, frozen=True, kw_only=True):
    """YAML files follow the rules of yamllint.

    Runs yamllint with one of its own sets of rules: neither a `.yamllint` of the learner's nor a
    comment (`# yamllint disable`) has a say.

    Parameters:
        files: patterns of paths; `*` stands for slashes too. A file that is named in full must be
            there, and of the others one that fits.
        style: yamllint's set of rules, default or relaxed.
        line_length: how many characters a line may have.
        threshold: the lowest level that counts, error or warning.
        ignore: rules that do not count here, e.g. document-start, or truthy where workflows have
            `on:`.

    Passes: yamllint reports nothing at or above the threshold.

    Fails: it reports something, a syntax error among it; a file is missing, is no text, holds
    nothing but comments, or is more than yamllint comes to an end with.

    Example:
        - id: settings-are-clean
          kind: yaml.lint
          files: ["*.yaml", "*.yml"]
          ignore: [document-start]
    """

    requires: ClassVar[frozenset[Tool]] = frozenset({YAMLLINT, SANDBOX})
    linter: ClassVar[str] = "yamllint"

    files: tuple[str, ...]
    style: Literal["default", "relaxed"] = "default"
    line_length: int = 80
    threshold: Literal["error", "warning"] = "warning"

    @property
    def reads(self) -> tuple[str, ...]:
        """The files alone."""
        return self.files

    def lint(self, context: Context) -> Linted:
        texts = read_files(context.run, self.files)
        _refuse_empty([path for path, text in texts.items() if not _has_data(text)], "value")
        found = lint_texts(context, yamllint.make_linter(self.style, self.line_length), texts)
        return Linted(tuple(texts), found, _show_command(f"yamllint -d {self.style}", texts))


def _refuse_empty(paths: Iterable[str], what: str) -> None:
    """Raise where files hold nothing: no linter finds anything wrong with that."""
    empty = sorted(paths)
    if empty:
        raise CheckFailedError(
            f"{', '.join(empty)} {'holds' if len(empty) == 1 else 'hold'} no {what} at all",
            *(Finding(f"holds no {what}", path=path, line=1) for path in empty),
        )


def _has_statement(text: str) -> bool:
    """Whether there is anything but a docstring in a Python file; one with a syntax error has."""
    try:
        body = python_syntax.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(
        not (isinstance(one, ast.Pass) or (isinstance(one, ast.Expr) and _is_constant(one.value)))
        for one in body
    )


def _is_constant(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant)


def _has_data(text: str) -> bool:
    """Whether there is anything but comments and marks of documents in YAML."""
    lines = (line.partition("#")[0].strip() for line in text.removeprefix("\ufeff").splitlines())
    return any(line not in ("", "---", "...") for line in lines)


def _show_command(program: str, texts: Mapping[str, str]) -> str:
    return f"{program} {shlex.join(texts)}"
