"""Lint the scripts within scripts: what a shell is handed is run like anything else."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.lint import shellcheck
from scaffolder.checks.lint.programs import lint_texts
from scaffolder.checks.lint.shell_syntax import HiddenScript, Node, find_hidden_scripts
from scaffolder.checks.linting import Violation

# What the outer script knows: who sets a variable, who uses it.
_OUTER = frozenset({"SC2034", "SC2154"})


def lint_hidden_scripts(context: Context, trees: Mapping[str, Node | None]) -> list[Violation]:
    """Return what shellcheck says of the scripts in scripts, at the lines where they stand."""
    scripts = [
        (path, script)
        for path, tree in trees.items()
        if tree is not None
        for script in find_hidden_scripts(tree)
    ]
    return [
        violation
        for shell in sorted({script.shell for _, script in scripts})
        for violation in _lint_of(context, shell, scripts)
        if violation.rule not in _OUTER
    ]


def _lint_of(
    context: Context, shell: str, scripts: Sequence[tuple[str, HiddenScript]]
) -> list[Violation]:
    folder = _find_free_name(context.run.snapshot)
    own = [(path, script) for path, script in scripts if script.shell == shell]
    # Lines have the numbers that they have in the outer script.
    texts = {
        f"{folder}/{number}.sh": "\n" * (script.line - 1) + script.text
        for number, (_, script) in enumerate(own)
    }
    owners = dict(zip(texts, (path for path, _ in own), strict=True))
    found = lint_texts(context, shellcheck.make_linter(shell), texts)
    return [replace(one, path=owners[one.path]) for one in found]


def _find_free_name(root: Path) -> str:
    """Return a name that nothing in a folder has."""
    names = (f"within-{number}" for number in itertools.count())
    return next(name for name in names if not os.path.lexists(root / name))
