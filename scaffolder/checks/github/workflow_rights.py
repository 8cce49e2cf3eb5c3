"""Whether a job has a use for a right that it was given.

zizmor lets a job have any right that it names. What a job does with its token can be told only so
far: an action that nobody knows, a script that is handed the token, or a push with the credentials
that a checkout left, may use any. Where there is nothing of the sort nobody needs the right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scaffolder.checks.github import workflow_shell
from scaffolder.checks.github.workflow_model import Step, ensure_mapping

# Actions that do nothing with the token for which they would need to write.
_WRITE_NOTHING = frozenset(
    {
        *(f"actions/{name}" for name in ("checkout", "cache", "cache/restore", "cache/save")),
        *(f"actions/setup-{name}" for name in ("python", "node", "go", "java", "dotnet")),
        *(f"actions/{name}" for name in ("upload-artifact", "download-artifact")),
        *("astral-sh/setup-uv", "astral-sh/ruff-action", "hashicorp/setup-terraform"),
        *("docker/setup-buildx-action", "docker/setup-qemu-action", "docker/metadata-action"),
        *("pre-commit/action", "chartboost/ruff-action", "psf/black"),
    }
)
# The token that the rights are of; a secret of another name is a token of its own.
_TOKEN = re.compile(
    r"\bgithub\s*(\.\s*token\b|\[)|\bsecrets\s*(\.\s*github_token\b|\[|\))", re.IGNORECASE
)
# What asks for a token of OpenID Connect finds its address in these variables.
_IDENTITY = "ACTIONS_ID_TOKEN_REQUEST"
# Programs that do nothing with credentials that lie in the checkout.
_HARMLESS = frozenset(
    {
        "echo",
        "pip",
        "pip3",
        "pytest",
        "ruff",
        "mypy",
        "mkdir",
        "cp",
        "mv",
        "ls",
        "cat",
        "cd",
        "test",
    }
    | {"set", "exit", "true", "false", "uv", "black", "flake8", "coverage", "[", "sleep", "export"}
)
_PYTHON_MODULES = frozenset({"pip", "build", "pytest", "ruff", "mypy", "venv", "coverage"})


def may_use(scope: str, job: Mapping[str, Any], steps: tuple[Step, ...], outer: Any) -> bool:
    """Whether something in a job may need to write `scope`; `outer` is the workflow's `env`.

    `steps` are those of the job, local composite actions opened up.
    """
    if job.get("container") or job.get("services") or _hands_token(job.get("env"), outer):
        return True
    kept = any(_keeps_credentials(step) for step in steps)
    return any(_step_may_use(scope, step, kept=kept) for step in steps)


def _step_may_use(scope: str, step: Step, *, kept: bool) -> bool:
    if step.uses.startswith("./"):
        return False  # its own steps are among the others
    if step.uses:
        return step.action not in _WRITE_NOTHING or _is_given_more(step)
    if _hands_token(step.data.get("env"), step.run):
        return True
    if scope == "id-token":
        return _IDENTITY in step.run or not _is_harmless(step.run)
    return kept and scope == "contents" and not _is_harmless(step.run)


def _is_given_more(step: Step) -> bool:
    """Whether a known action is handed a token beside its own, for instance to push with it."""
    return any(
        _TOKEN.search(value)
        for name, value in step.inputs.items()
        if name not in ("token", "github-token")
    ) or _hands_token(step.data.get("env"))


def _keeps_credentials(step: Step) -> bool:
    kept = step.inputs.get("persist-credentials", "true").strip().lower()
    return step.action == "actions/checkout" and kept != "false"


def _hands_token(*values: Any) -> bool:
    return any(_TOKEN.search(text) for value in values for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in ensure_mapping(value).values():
        yield from _texts(part)


def _is_harmless(script: str) -> bool:
    """Whether a script calls nothing but programs that are known to leave credentials alone."""
    return all(_calls_harmless(words) for words in workflow_shell.split_commands(script))


def _calls_harmless(words: list[str]) -> bool:
    program = words[0].rsplit("/", 1)[-1]
    if re.fullmatch(r"python(3(\.\d+)?)?", program):
        return words[1:2] == ["-m"] and words[2:3] != [] and words[2] in _PYTHON_MODULES
    return program in _HARMLESS and "/" not in words[0]
