"""What decides about a verdict besides the work and the lab: devlab, its tools, the images.

A verdict that was kept is only as good as these are the same. So each of them is looked at anew
whenever one is asked for; none of it takes more than a few milliseconds.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import scaffolder
from scaffolder.checks.terraform.terraform_places import candidates
from scaffolder.core.lines import lines_of
from scaffolder.tools.engine.glancing import Glance, glance

__all__ = ["Glance", "glance", "grader", "hashed", "here", "images", "reporter"]

# The parts of devlab that no verdict depends on, given the files of an answer and of the start, and
# what a lab asks: those that make or read these are left out, for what they make is looked at.
_NOT_GRADING = frozenset(
    {
        *("authoring", "cli", "doctor", "entry.py", "labs", "progress", "proving", "report"),
        *("revise", "watch"),
    }
)
# What checks start, wherever it lies: beside devlab or on the PATH.
_PROGRAMS = (
    *("act", "hadolint", "uv", "zizmor"),
    *("bash", "bwrap", "docker", "dockerd", "git", "node", "pwsh", "sh", "terraform"),
    *("python", "python3", *(f"python3.{minor}" for minor in range(8, 21))),
)
# Settings that git, docker, Terraform and those who choose between versions of programs go by.
_SETTINGS = (
    *(".config/git/config", ".config/mise/config.toml", ".docker/config.json", ".gitconfig"),
    *(".pyenv/version", ".terraform-version", ".terraformrc", ".tfenv/version", ".tool-versions"),
)
# What of the environment a check, or a program that it starts, goes by.
_VARIABLES = frozenset({"HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "SSL_CERT_DIR"}) | {
    *(
        "SSL_CERT_FILE",
        "TZ",
        "XDG_CONFIG_HOME",
        "XDG_DATA_DIRS",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
    ),
}
_MAY_RUN = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_PREFIXES = (
    "BUILDKIT_",
    "BUILDX_",
    "DEVLAB_",
    "DOCKER_",
    "GIT_CONFIG",
    "PIP_",
    "TF_",
    "UV_",
)
_PROXIES = ("_proxy", "_PROXY")
# What of the kernel decides whether bubblewrap can keep commands in, and the network out.
_KERNEL = (
    *("kernel/apparmor_restrict_unprivileged_userns", "kernel/unprivileged_userns_clone"),
    "user/max_user_namespaces",
)
# Which lines of a Dockerfile can name an image, and how a line goes on in the next one.
_NAMING = re.compile(r"\b(?:FROM|ARG)\b|\bfrom=", re.IGNORECASE)
_NO_INSTRUCTION = re.compile(r"^[ \t]*(?:#.*)?(?:\n|\Z)", re.MULTILINE)
_SYNTAX = re.compile(r"^[ \t]*#[ \t]*syntax[ \t]*=.*$", re.MULTILINE | re.IGNORECASE)
_CONTINUED = re.compile(r"[\\`][ \t]*\n")


def here() -> str:
    """Return a digest of devlab's code, of the libraries and programs it uses, and of the system.

    Where checks run, with which settings of the environment, is part of it.
    """
    return hashed(
        [
            grader(),
            *_libraries(),
            *_programs(),
            *_providers(),
            *_settings(),
            *(f"{name}: {_setting(name)}" for name in _KERNEL),
            str(os.geteuid()),
            *(f"{name}={value}" for name, value in sorted(os.environ.items()) if _decides(name)),
        ]
    )


@functools.cache
def grader() -> str:
    """Return a digest of the code that grades, the interpreter and the system.

    It is looked at once in a process: code that is loaded does not change.
    """
    system = os.uname()
    return hashed(
        [
            scaffolder.__file__,
            *_code(grading=True),
            sys.version,
            sys.prefix,
            system.sysname,
            system.release,
            system.machine,
        ]
    )


@functools.cache
def reporter() -> str:
    """Return a digest of the rest of devlab's code: what finds and reads labs, and tells reports.

    It is looked at once in a process, as `grader`.
    """
    return hashed(_code(grading=False))


def _code(*, grading: bool) -> Iterator[str]:
    """Yield a stamp of each file of ours that grades, or of each that does not.

    Not its content: to read some hundred files would take longer than all else.
    """
    package = os.path.dirname(scaffolder.__file__)  # noqa: PTH120 -- DirEntry has no Path
    for entry in files(package):
        room = entry.path[len(package) + 1 :].partition(os.sep)[0]
        if (room not in _NOT_GRADING) is grading:
            yield _stamp(entry.path, entry.stat())


def files(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder in a stable order, but those that Python compiled."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from files(entry.path)
        elif entry.is_file():
            yield entry


def contents(folder: Path) -> list[str]:
    """Return a line for each file below a folder that tells its name, permissions and content."""
    if not folder.is_dir():
        return [f"{folder.name}: none"]
    return [
        f"{entry.path[len(str(folder)) :]} {entry.stat().st_mode:o} {_content(Path(entry.path))}"
        for entry in files(str(folder))
    ]


def images(dockerfile: str, seen: Glance) -> Mapping[str, str]:
    """Return what decides about building a Dockerfile and running its image, by name.

    That is the engine itself, and the id of every image whose name occurs where the text can name
    one: an image `app` of the learner's own is none for a `WORKDIR /app`.
    """
    naming = _naming(dockerfile)
    named = {name: one for name, one in seen.images.items() if _repository(name) in naming}
    return {"engine": seen.version, **named}


def hashed(lines: Iterable[str]) -> str:
    """Return the SHA-256 of some lines; where one ends and the next begins is part of it."""
    whole = hashlib.sha256()
    for line in lines:
        content = line.encode("utf-8", "surrogateescape")
        whole.update(f"{len(content)}:".encode())
        whole.update(content)
    return whole.hexdigest()


def _naming(dockerfile: str) -> str:
    """Return the lines of a Dockerfile that can name an image, rather too many than too few.

    A line goes on after either escape character, and over comments and blank lines in between; see
    https://docs.docker.com/reference/dockerfile/#format
    """
    text = dockerfile.replace("\r\n", "\n")
    whole = _CONTINUED.sub(" ", _NO_INSTRUCTION.sub("", text))
    lines = [line for line in lines_of(whole) if _NAMING.search(line)]
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


def _programs() -> Iterator[str]:
    """Yield a stamp of each program beside devlab and of the one that the PATH leads to."""
    beside = sysconfig.get_path("scripts")
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for name in _PROGRAMS:
        for folders in ([beside], path):
            yield next(_found(name, folders), f"{name}: none")


def _found(name: str, folders: Iterable[str]) -> Iterator[str]:
    """Yield a stamp of each program of a name; shutil.which asks thrice as much of the disk."""
    for folder in folders:
        path = f"{folder or os.curdir}/{name}"
        try:
            told = os.stat(path)  # noqa: PTH116 -- of what a link leads to
        except OSError:
            continue
        if stat.S_ISREG(told.st_mode) and told.st_mode & _MAY_RUN:
            yield _stamp(path, told)


def _stamp(path: str, told: os.stat_result) -> str:
    """Tell a file from any that may take its place, also one with its size and its date.

    The time of the last change of its inode is the system's, and nobody's to set.
    """
    return f"{path} {told.st_ino} {told.st_size} {told.st_mtime_ns} {told.st_ctime_ns}"


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text("ascii").strip()
    except (OSError, ValueError):
        return "none"


def _settings() -> list[str]:
    home = Path(os.environ.get("HOME") or os.devnull)
    return [f"{name} {_readable(home / name)}" for name in _SETTINGS]


def _providers() -> list[str]:
    return [_stamp(str(path), path.stat()) for path in sorted(candidates())]


def _decides(name: str) -> bool:
    return name in _VARIABLES or name.startswith(_PREFIXES) or name.endswith(_PROXIES)


def _readable(path: Path) -> str:
    """Tell a file's content; one that the user may not read says nothing to their programs."""
    try:
        return _content(path) if path.is_file() else "none"
    except OSError:
        return "none"


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
