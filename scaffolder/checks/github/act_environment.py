"""What the context `env` holds on GitHub, and what act puts there besides.

GitHub's holds what the workflow sets, for all of it, a job or a step, and what steps add through
GITHUB_ENV. act's holds the environment of its own process as well, ACT=true among it.
https://docs.github.com/actions/reference/workflows-and-actions/contexts#env-context
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What act and the rehearsal put into the environment of a step.
_INHERITED = re.compile(
    r"act|ci|imageos|imageversion|github_\w+|runner_\w+|docker_host|home|path|pwd|lang|shlvl|_"
    r"|tmpdir|pip_\w+|uv_\w+|xdg_\w+",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"\b([A-Za-z_]\w*)(?:=|<<)")
# How many arguments format() takes behind its text.
_MOST = 254


@dataclass(frozen=True)
class Environment:
    """The names that a workflow sets, and those that its scripts may add through GITHUB_ENV."""

    names: tuple[str, ...] = ()

    def hides(self, name: str) -> bool:
        """Whether a name that act knows is nothing on GitHub."""
        known = {each.lower() for each in self.names}
        return _INHERITED.fullmatch(name) is not None and name.lower() not in known

    def whole(self) -> str:
        """Return an expression for the context as a whole, as GitHub has it."""
        parts = [f"{json.dumps(name)}:{{{index}}}" for index, name in enumerate(self.names[:_MOST])]
        if not parts:
            return "fromJSON('{}')"
        values = "".join(f", toJSON(env[{_quoted(name)}])" for name in self.names[:_MOST])
        return f"fromJSON(format({_quoted('{{' + ','.join(parts) + '}}')}{values}))"


def read_environment(data: Mapping[str, Any]) -> Environment:
    """Return what a workflow puts into `env`."""
    return Environment(tuple(dict.fromkeys(_names(data))))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _names(part)
    if not isinstance(value, dict):
        return
    for key, part in value.items():
        if key == "env" and isinstance(part, dict):
            yield from map(str, part)
        elif key == "run" and isinstance(part, str) and "GITHUB_ENV" in part:
            yield from (found[1] for found in _ASSIGNED.finditer(part))
        else:
            yield from _names(part)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
