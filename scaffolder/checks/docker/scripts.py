"""Scripts in an image whose lines end as Windows ends them: "no such file", though it is there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.docker.images import build_work_image, read_file_system
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import DevlabError

_LIMIT = 64 * 1024


def find_windows_script(context: Context, dockerfile: str) -> str:
    """Return the path of a script that the image starts and whose lines end with CR LF, or "".

    The kernel looks for the program `/bin/sh\\r` then, and a shell for commands with that ending.
    """
    try:
        config = build_work_image(context, dockerfile).image.config
        system = read_file_system(context, dockerfile)
    except (CheckFailedError, DevlabError):
        return ""
    found = [path for path in _started(config) if path in system.files]
    for path, content in system.read(found, _LIMIT).items():
        first, _, rest = content.partition(b"\n")
        is_script = content.startswith(b"#!") or (b"\0" not in content and rest.strip())
        if is_script and first.endswith(b"\r"):
            return path
    return ""


def _started(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the words of the image's command could lie in it."""
    words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    folder = config.get("WorkingDir") or "/"
    pairs = (str(one).partition("=") for one in config.get("Env") or ())
    search = next((value for name, _, value in pairs if name == "PATH"), "")
    for word in (part for one in words for part in str(one).split()):
        yield posixpath.normpath(posixpath.join("/", folder, word))
        if "/" not in word:
            yield from (posixpath.join(place, word) for place in search.split(":") if place)
