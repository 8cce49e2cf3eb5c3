"""Can a program be started at all? Looked at before it is run: exit codes of a shell's can be lent.

A shell says 127 where there is no program, 126 where it may not be run, and so can any program.
"""

from __future__ import annotations

import functools
import os
import posixpath
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnavailableError, UnusableFileError
from scaffolder.core.suggest import suggest_name
from scaffolder.model import Evidence, Finding
from scaffolder.model.tool import Fingerprint, Tool
from scaffolder.workspace import read_bytes, resolve_inside

_RULE = "cannot-start"
_FIRST_LINE = 256
_SCRIPT_LIMIT = 1024 * 1024


@functools.cache
def make_program_tool(name: str) -> Tool:
    """Return a program of the system's, as a tool whose content decides about verdicts."""
    return Tool(id=name, title=name, fingerprint=Fingerprint(programs=(name,)))


def require_programs(names: Sequence[str], search_path: str) -> None:
    """Raise UnavailableError where a program that the lab names is not on this machine."""
    for name in names:
        if shutil.which(name, path=search_path) is None:
            raise UnavailableError(
                f"this machine has no {name}, which the check needs",
                hint=f"install the package that brings {name}",
            )


def require_startable(work: Path, cwd: str, argv: Sequence[str], search_path: str) -> None:
    """Raise CheckFailedError where a program of the work's cannot be started.

    A name without a slash is the machine's program, and not looked at.
    """
    name = argv[0]
    if "/" not in name or name.startswith("/"):
        return
    path = posixpath.normpath(posixpath.join(cwd, name))
    try:
        place = resolve_inside(work, path)
    except UnusableFileError as error:
        raise _fail(path, error.message, "a program in the work") from error
    if place.is_dir():
        raise _fail(path, "is a folder, and no program", "a program")
    if not place.is_file():
        beside = [one.name for one in place.parent.glob("*")]
        near = suggest_name(place.name, beside)
        raise _fail(path, f"is not there{near}", "a program")
    if not os.access(place, os.X_OK):
        raise _fail(
            path, "may not be run", "a file that may be run", f"chmod +x {shlex.quote(path)}"
        )
    _require_interpreter(work, path, place, search_path)


def _require_interpreter(work: Path, path: str, place: Path, search_path: str) -> None:
    """Raise where the first line of a script names what is not there."""
    with place.open("rb") as file:
        head = file.read(_FIRST_LINE)
    if not head.startswith(b"#!"):
        return
    line = head.partition(b"\n")[0].decode("utf-8", "replace")[2:]
    if line.endswith("\r"):
        raise _fail(
            path,
            "has lines that end as Windows ends them (CR LF), so its first line names a program"
            f" that is not there: {line.strip()!r} with a carriage return",
            "lines that end in a newline alone",
            "save it with the line ends of Unix, and let git keep them: *.sh text eol=lf in"
            " .gitattributes",
            line=1,
        )
    words = line.split()
    program = words[0] if words else ""
    if posixpath.basename(program) == "env":
        named = next((one for one in words[1:] if not one.startswith("-") and "=" not in one), "")
        program = (
            named if "/" in named else named and (shutil.which(named, path=search_path) or named)
        )
    found = Path(program) if program.startswith("/") else work / program if "/" in program else None
    if found is None or not found.is_file():
        raise _fail(
            path,
            f"names in its first line a program that is not there: {line.strip()}",
            "an interpreter that is there",
            "a first line such as #!/bin/sh, #!/usr/bin/env bash or #!/usr/bin/env python3",
            line=1,
        )


def find_windows_lines(work: Path, cwd: str, argv: Sequence[str]) -> str:
    """Return a file of the work's in a command line whose lines end in CR LF; "" for none."""
    for word in argv:
        try:
            path = posixpath.normpath(posixpath.join(cwd, word))
            if b"\r\n" in read_bytes(work, path, _SCRIPT_LIMIT)[:_SCRIPT_LIMIT]:
                return path
        except (UnusableFileError, OSError, ValueError):
            continue
    return ""


def _fail(
    path: str, words: str, expected: str, hint: str = "", line: int | None = None
) -> CheckFailedError:
    return CheckFailedError(
        f"{path} cannot be started: it {words}",
        Finding(words, path=path, line=line, rule=_RULE),
        evidence=Evidence(ran=path, expected=expected, actual=f"it {words}"),
        hint=hint,
    )
