"""Which package manager the commands of a step call: enough of a shell's grammar, never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

PIP = frozenset({"pip", "pip3", "pip-sync", "pipx", "tox", "nox", "virtualenv"})
_MANAGERS = {"uv": "uv", "uvx": "uv", "poetry": "poetry", "pipenv": "pipenv", "pdm": "pdm"}
# Programs and scripts that may install whatever they like; the benefit of the doubt is theirs.
_OPAQUE = frozenset({"make", "just", "task", "bash", "sh", "hatch", "invoke", "inv", "docker"})
_PREFIXES = frozenset(
    {"sudo", "time", "env", "exec", "command", "nice", "then", "do", "else", "if"}
)
_PYTHON = re.compile(r"^python(\d(\.\d+)?)?$|^py$")
_SUBCOMMANDS = frozenset({"install", "sync", "download", "wheel", "run", "add", "lock"})
_COMMAND_LIMIT = 2000


def find_installers(script: str) -> frozenset[str]:
    """Return the package managers that a script installs with: pip, uv, poetry, pipenv, pdm.

    `any` stands for a program or script of the learner's whose inside is not read.
    """
    return frozenset(name for words in split_commands(script) if (name := _installer(words)))


def split_commands(script: str) -> Iterator[list[str]]:
    """Yield the words of each simple command, without assignments and prefixes like sudo."""
    joined = script.replace("\\\n", " ")
    parts = re.split(r"\n|;|&&|\|\||\||&|\$\(|`|[()]", joined)
    for part in parts[:_COMMAND_LIMIT]:
        words = _words(part)
        while words and (words[0] in _PREFIXES or re.match(r"^\w+=", words[0])):
            words = words[1:]
        if words:
            yield words


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part, comments=True)
    except ValueError:
        return part.split()


def _installer(words: list[str]) -> str:
    program, arguments = words[0].rsplit("/", 1)[-1], words[1:]
    if _PYTHON.match(program) and "-m" in arguments:
        at = arguments.index("-m") + 1
        return _installer(arguments[at:]) if arguments[at:] else ""
    if program in _OPAQUE or words[0].startswith(("./", "ci/", "scripts/", "bin/")):
        return "any"
    if program in ("tox", "nox", "pip-sync", "uvx"):
        return _MANAGERS.get(program, "pip")
    if not _SUBCOMMANDS & set(arguments):
        return ""
    return "pip" if program in PIP else _MANAGERS.get(program, "")
