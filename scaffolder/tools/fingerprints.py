"""What of a tool can change a verdict, read from this machine as lines of text."""

from __future__ import annotations

import fnmatch
import os
import stat
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from scaffolder.core.file_digests import FileDigests
from scaffolder.model.tool import Tool

# Looked up when it is loaded: it reads files of Python's own.
_BESIDE_DEVLAB = sysconfig.get_path("scripts")
_MAY_RUN = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def read_fingerprint(tool: Tool, digests: FileDigests) -> Iterator[str]:
    """Yield lines that are others when something of a tool is, on any machine.

    Programs and files count by their content, so that what follows from the same tools is known
    wherever these lie.
    """
    declared = tool.fingerprint
    yield f"tool {tool.id}"
    for name in declared.programs:
        yield from _read_program(name, digests)
    for name in declared.settings:
        yield f"{name} {_digest_readable(_in_home(name), digests)}"
    for path in declared.list_files():
        yield f"{path.name} {_digest_readable(str(path), digests)}"
    yield from declared.list_facts()
    yield from read_variables(declared.variables)


def read_variables(patterns: Iterable[str]) -> Iterator[str]:
    """Yield the environment's variables whose names fit a pattern, with what they are set to."""
    wanted = tuple(patterns)
    for name, value in sorted(os.environ.items()):
        if any(fnmatch.fnmatchcase(name, one) for one in wanted):
            yield f"{name}={value}"


def find_programs(tool: Tool) -> dict[str, Path]:
    """Return the programs of a tool that are here, by name; one beside devlab goes first.

    Each is one whose content is part of the fingerprint. A folder of the PATH that is named from
    where devlab is called is none of the machine's.
    """
    folders = [one for place in _list_places() for one in place if os.path.isabs(one)]  # noqa: PTH117
    found = {name: next(_look_for(name, folders), "") for name in tool.fingerprint.programs}
    return {name: Path(path) for name, path in found.items() if path}


def _read_program(name: str, digests: FileDigests) -> Iterator[str]:
    """Yield a line for the program beside devlab and for the one that the PATH leads to."""
    for folders in _list_places():
        path = next(_look_for(name, folders), "")
        yield f"{name} {_tell_program(path, digests)}" if path else f"{name}: none"


def _tell_program(path: str, digests: FileDigests) -> str:
    """Return a program's digest, and as whom it runs: that decides what bubblewrap can."""
    try:
        powers = os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID)  # noqa: PTH116
    except OSError:
        return "none"
    return f"{_digest_readable(path, digests)} {powers:o}"


def _list_places() -> tuple[list[str], list[str]]:
    return [_BESIDE_DEVLAB], os.environ.get("PATH", os.defpath).split(os.pathsep)


def _look_for(name: str, folders: Iterable[str]) -> Iterator[str]:
    """Yield the programs of a name in folders; shutil.which asks thrice as much of the disk."""
    for folder in folders:
        path = f"{folder or os.curdir}/{name}"
        try:
            told = os.stat(path)  # noqa: PTH116 -- of what a link leads to
        except OSError:
            continue
        if stat.S_ISREG(told.st_mode) and told.st_mode & _MAY_RUN:
            yield path


def _in_home(name: str) -> str:
    return f"{os.environ.get('HOME') or os.devnull}/{name}"


def _digest_readable(path: str, digests: FileDigests) -> str:
    """Return a file's digest; one that the user may not read says nothing to their programs."""
    try:
        told = os.stat(path)  # noqa: PTH116 -- of what a link leads to
        return digests.digest_file(path, told) if stat.S_ISREG(told.st_mode) else "none"
    except OSError:
        return "none"
