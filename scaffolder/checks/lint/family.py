"""Scripts and settings, held to the rules of the linters that everybody uses."""

from __future__ import annotations

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.family import Family
from scaffolder.checks.lint.tools import RUFF, SHELLCHECK, SHFMT, YAMLLINT

FAMILY = Family(
    name="lint",
    package="scaffolder.checks.lint",
    kinds={
        "shell.lint": "kinds:ShellLint",
        "python.lint": "kinds:PythonLint",
        "yaml.lint": "kinds:YamlLint",
    },
    mutators="mutations:MUTATORS",
    tools=(SHELLCHECK, SHFMT, RUFF, YAMLLINT, SANDBOX),
)
