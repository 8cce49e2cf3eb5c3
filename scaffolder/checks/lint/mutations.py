"""The ways in which people get scripts wrong, as a table.

To add one, write a function from the parsed file to edits of it in `shell_mutators` or
`python_mutators`, and a line here. Its name begins the ids of its mutants, so a name that labs have
seen is never changed.
"""

from __future__ import annotations

import fnmatch
from pathlib import PurePosixPath

from scaffolder.checks.lint import python_mutators, shell_mutators
from scaffolder.checks.mutations import Mutators, Operator

# What a suite asserts is no answer of its own: `python.tests` changes the code that it tests.
_TESTS = ("test_*.py", "*_test.py", "conftest.py")


def _is_shell_script(path: str) -> bool:
    return path.endswith((".sh", ".bash"))


def _is_program(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(".py") and not any(fnmatch.fnmatchcase(name, one) for one in _TESTS)


_SHELL = (
    Operator("drop-set", "no set -euo pipefail: failures go unnoticed", shell_mutators.drop_set),
    Operator("unquote", "a variable without quotes", shell_mutators.remove_quotes),
    Operator("exit-zero", "a failure that ends with 0", shell_mutators.return_zero),
    Operator("drop-guard", "a failure that nobody looks at", shell_mutators.drop_guard),
    Operator("drop-trap", "a signal or an end that nobody waits for", shell_mutators.drop_trap),
)
_PYTHON = (
    Operator("exit-with-zero", "a failure that ends with 0", python_mutators.return_zero),
    Operator("drop-check", "check=True forgotten", python_mutators.drop_check),
    Operator("drop-timeout-argument", "a call that waits for ever", python_mutators.drop_timeout),
    Operator("shift-bound", "a bound missed by one: < for <=", python_mutators.change_bound),
    Operator("drop-raise", "an error that is not raised", python_mutators.drop_raise),
)

MUTATORS = (
    Mutators("shell script", _is_shell_script, shell_mutators.parse_script, _SHELL),
    Mutators("Python file", _is_program, python_mutators.parse_program, _PYTHON),
)
