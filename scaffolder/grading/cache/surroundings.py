"""What decides about a verdict besides the work and the lab: devlab, its tools, the images.

A verdict that was kept is only as good as these are the same. So each of them is looked at anew
whenever one is asked for; none of it takes more than a few milliseconds.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffolder.checks.family import Family
from scaffolder.core.file_digests import open_file_digests
from scaffolder.core.lines import split_lines
from scaffolder.grading.cache.code import digest_code, list_files
from scaffolder.grading.cache.hashing import hash_lines
from scaffolder.model.tool import Tool
from scaffolder.tools.fingerprints import read_fingerprint, read_variables

if TYPE_CHECKING:
    from scaffolder.tools.engine import Glance

# What of the environment every check goes by, or a program that it starts.
_VARIABLES = (
    *("DEVLAB_*", "LANG", "LC_ALL", "LC_CTYPE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ"),
    *("XDG_CONFIG_HOME", "XDG_DATA_DIRS", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
    *("*_proxy", "*_PROXY"),
)
# Which lines of a Dockerfile can name an image, and how a line goes on in the next one.
_NAMING = re.compile(r"\b(?:FROM|ARG)\b|\bfrom=", re.IGNORECASE)
_NO_INSTRUCTION = re.compile(r"^[ \t]*(?:#.*)?(?:\n|\Z)", re.MULTILINE)
_SYNTAX = re.compile(r"^[ \t]*#[ \t]*syntax[ \t]*=.*$", re.MULTILINE | re.IGNORECASE)
_CONTINUED = re.compile(r"[\\`][ \t]*\n")


def read_here(used: Sequence[Family], more: Sequence[Tool] = ()) -> str:
    """Return a digest of what the checks of some families rest on, on this machine.

    That is devlab's code for them, Python and its packages, the families' tools and `more` of them,
    and the settings of the environment. Each counts by its content, so that another machine with
    the same has the same digest.
    """
    digests = open_file_digests()
    tools = dict.fromkeys((*(tool for family in used for tool in family.tools), *more))
    lines = [
        digest_code(used),
        sys.version,
        f"{sys.platform} {os.uname().machine}",
        *_libraries(),
        str(os.geteuid()),
        *read_variables(_VARIABLES),
        *(line for tool in tools for line in read_fingerprint(tool, digests)),
    ]
    digests.save()
    return hash_lines(lines)


def list_contents(folder: Path) -> list[str]:
    """Return a line for each file below a folder that tells its name, permissions and content."""
    if not folder.is_dir():
        return [f"{folder.name}: none"]
    digests = open_file_digests()
    return [
        f"{entry.path[len(str(folder)) :]} {told.st_mode:o} {digests.digest_file(entry.path, told)}"
        for entry in list_files(str(folder))
        if (told := entry.stat())
    ]


def digest_file(path: Path) -> str:
    """Return the digest of a file's content."""
    return open_file_digests().digest_file(str(path))


def select_images(dockerfile: str, seen: Glance) -> Mapping[str, str]:
    """Return what decides about building a Dockerfile and running its image, by name.

    That is the engine itself, and the id of every image whose name occurs where the text can name
    one: an image `app` of the learner's own is none for a `WORKDIR /app`.
    """
    naming = _naming(dockerfile)
    named = {name: one for name, one in seen.images.items() if _repository(name) in naming}
    return {"engine": seen.version, **named}


def _naming(dockerfile: str) -> str:
    """Return the lines of a Dockerfile that can name an image, rather too many than too few.

    A line goes on after either escape character, and over comments and blank lines in between; see
    https://docs.docker.com/reference/dockerfile/#format
    """
    text = dockerfile.replace("\r\n", "\n")
    whole = _CONTINUED.sub(" ", _NO_INSTRUCTION.sub("", text))
    lines = [line for line in split_lines(whole) if _NAMING.search(line)]
    return "\n".join([*_SYNTAX.findall(text), *lines])


def _repository(name: str) -> str:
    """Return what a Dockerfile has to spell of an image's name: `python` of python:3.13."""
    last = name.rpartition("/")[2]
    return last.partition("@")[0].partition(":")[0]


def _libraries() -> list[str]:
    """Return what Python finds installed, with versions, from the names of the folders."""
    found = set()
    for place in dict.fromkeys(sys.path):
        if os.path.isdir(place):  # noqa: PTH112 -- an entry may be anything, also ""
            with os.scandir(place) as entries:
                found |= {one.name for one in entries if one.name.endswith((".dist-info", ".egg"))}
    return sorted(found)
