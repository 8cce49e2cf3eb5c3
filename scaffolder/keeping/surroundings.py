"""What decides about a verdict besides the work and the lab: devlab, its tools, the images.

A verdict that was kept is only as good as these are the same. So each of them is looked at anew
whenever one is asked for; none of it takes more than a few milliseconds.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import scaffolder
from scaffolder.tools.engine.glancing import Glance, glance
from scaffolder.tools.terraform_places import candidates

__all__ = ["Glance", "glance", "grader", "hashed", "here", "images"]

# The parts of devlab that no verdict depends on, given the files of an answer and of the start, and
# what a lab asks: those that make or read these are left out, for what they make is looked at.
_NOT_GRADING = frozenset(
    {
        *("authoring", "catalog.py", "cli", "generate.py", "hints.py", "labfile.py", "packs"),
        *("proofs.py", "proving", "records", "rendering", "report", "watching"),
        *("answers.py", "doctor", "guidance.py", "labschema.py", "readiness.py", "reference.py"),
        *("revision.py", "skills.py", "standing.py", "updating", "variables.py", "watched.py"),
    }
)
# What checks start, wherever it lies: beside devlab or on the PATH.
_PROGRAMS = (
    *("act", "hadolint", "uv", "zizmor"),
    *("bash", "bwrap", "docker", "dockerd", "git", "node", "pwsh", "sh", "terraform"),
    *("python", "python3", *(f"python3.{minor}" for minor in range(8, 21))),
)
# What of the environment a check, or a program that it starts, goes by.
_VARIABLES = frozenset({"HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "SSL_CERT_DIR"}) | {
    *("SSL_CERT_FILE", "TZ", "XDG_DATA_DIRS", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
}
_PREFIXES = ("AWS_", "BUILDKIT_", "DEVLAB_", "DOCKER_", "PIP_", "TF_", "UV_")
_PROXIES = ("_proxy", "_PROXY")


def here() -> str:
    """Return a digest of devlab's code, of the libraries and programs it uses, and of the system.

    Where checks run, with which settings of the environment, is part of it.
    """
    return hashed(
        [
            grader(),
            *_libraries(),
            *(_program(name) for name in _PROGRAMS),
            *_providers(),
            *(f"{name}={value}" for name, value in sorted(os.environ.items()) if _decides(name)),
        ]
    )


@functools.cache
def grader() -> str:
    """Return a digest of the code that grades, the interpreter and the system.

    It is looked at once in a process: code that is loaded does not change.
    """
    package = Path(scaffolder.__file__).parent
    code = [
        f"{relative} {_content(path)}"
        for path in files(package)
        if (relative := path.relative_to(package)).parts[0] not in _NOT_GRADING
    ]
    system = os.uname()
    return hashed(
        [
            str(package),
            *code,
            sys.version,
            sys.prefix,
            system.sysname,
            system.release,
            system.machine,
        ]
    )


def files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in a stable order, but those that Python compiled."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from files(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


def contents(folder: Path) -> list[str]:
    """Return a line for each file below a folder that tells its name, permissions and content."""
    if not folder.is_dir():
        return [f"{folder.name}: none"]
    return [
        f"{path.relative_to(folder)} {path.stat().st_mode:o} {_content(path)}"
        for path in files(folder)
    ]


def images(dockerfile: str, seen: Glance | None) -> Mapping[str, str]:
    """Return what decides about building a Dockerfile and running its image, by name.

    That is the engine itself, and the id of every image whose name occurs in the text. Empty where
    no engine answers.
    """
    if seen is None:
        return {}
    named = {name: one for name, one in seen.images.items() if _repository(name) in dockerfile}
    return {"engine": seen.version, **named}


def hashed(lines: Iterable[str]) -> str:
    """Return the SHA-256 of some lines; where one ends and the next begins is part of it."""
    whole = hashlib.sha256()
    for line in lines:
        content = line.encode("utf-8", "surrogateescape")
        whole.update(f"{len(content)}:".encode())
        whole.update(content)
    return whole.hexdigest()


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


def _program(name: str) -> str:
    beside = sysconfig.get_path("scripts")
    return "; ".join(_stamp(name, folder) for folder in (beside, None))


def _stamp(name: str, folder: str | None) -> str:
    found = shutil.which(name, path=folder)
    return f"{name}: none" if found is None else _told(Path(found))


def _told(path: Path) -> str:
    """Tell a program from any that may take its place; to read it would take too long."""
    told = path.stat()
    return f"{path} {told.st_ino} {told.st_size} {told.st_mtime_ns}"


def _providers() -> list[str]:
    return [_told(path) for path in sorted(candidates())]


def _decides(name: str) -> bool:
    return name in _VARIABLES or name.startswith(_PREFIXES) or name.endswith(_PROXIES)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
