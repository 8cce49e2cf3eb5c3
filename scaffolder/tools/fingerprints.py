"""What of a tool can change a verdict, read from this machine as lines of text."""

from __future__ import annotations

import fnmatch
import os
import stat
import sysconfig
from collections.abc import Iterable, Iterator

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


def _read_program(name: str, digests: FileDigests) -> Iterator[str]:
    """Yield a line for the program beside devlab and for the one that the PATH leads to."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for folders in ([_BESIDE_DEVLAB], path):
        yield next(_find_programs(name, folders, digests), f"{name}: none")


def _find_programs(name: str, folders: Iterable[str], digests: FileDigests) -> Iterator[str]:
    """Yield a line for each program of a name; shutil.which asks thrice as much of the disk."""
    for folder in folders:
        path = f"{folder or os.curdir}/{name}"
        try:
            told = os.stat(path)  # noqa: PTH116 -- of what a link leads to
        except OSError:
            continue
        if stat.S_ISREG(told.st_mode) and told.st_mode & _MAY_RUN:
            # As whom a program runs decides what it can, as for bubblewrap.
            powers = told.st_mode & (stat.S_ISUID | stat.S_ISGID)
            yield f"{name} {_digest_readable(path, digests)} {powers:o}"


def _in_home(name: str) -> str:
    return f"{os.environ.get('HOME') or os.devnull}/{name}"


def _digest_readable(path: str, digests: FileDigests) -> str:
    """Return a file's digest; one that the user may not read says nothing to their programs."""
    try:
        told = os.stat(path)  # noqa: PTH116 -- of what a link leads to
        return digests.digest_file(path, told) if stat.S_ISREG(told.st_mode) else "none"
    except OSError:
        return "none"
