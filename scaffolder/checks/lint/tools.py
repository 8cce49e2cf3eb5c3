"""What linting relies on: the linters, and a parser of shell scripts."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

SHELLCHECK = Tool(
    id="shellcheck",
    title="shellcheck",
    version="scaffolder.checks.lint.shellcheck:read_version",
    fingerprint=Fingerprint(programs=("shellcheck",)),
)
SHFMT = Tool(
    id="shfmt",
    title="shfmt",
    version="scaffolder.checks.lint.shell_syntax:read_version",
    fingerprint=Fingerprint(programs=("shfmt",)),
)
RUFF = Tool(
    id="ruff",
    title="ruff",
    version="scaffolder.checks.lint.ruff:read_version",
    fingerprint=Fingerprint(programs=("ruff",)),
)
# A Python package, as all that devlab is installed with counts for every check.
YAMLLINT = Tool(
    id="yamllint",
    title="yamllint",
    version="scaffolder.checks.lint.yamllint:read_version",
    fingerprint=Fingerprint(programs=("yamllint",)),
)
