"""The machine itself: folders, disks, memory, processors, the clock, proxies, old caches."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

import scaffolder
from scaffolder.core import paths, settings
from scaffolder.core.errors import DevlabError
from scaffolder.model.readiness import Observation, Status
from scaffolder.tools import system
from scaffolder.tools.disk_room import measure_room

TEMPORARY = "temporary-folder"
# A container of a learner's may have half of it, Terraform's AWS provider takes about as much.
_MEMORY = 1024 * 1024 * 1024
_LARGE_CACHE = 4 * 1000**3
# How long a folder is measured; a cache of a hundred thousand files is measured in part.
_MEASURED_SECONDS = 3.0
# A clock that is behind by less may be a zone's or a file system's doing.
_BEHIND_SECONDS = 3600.0
_ANOTHER = "set TMPDIR to a folder that can be written to"
_VARIABLES = {"cache": "XDG_CACHE_HOME", "state": "XDG_STATE_HOME", "data": "XDG_DATA_HOME"}


def look_at_python() -> tuple[Observation, ...]:
    """Tell which Python runs devlab."""
    version = platform.python_version()
    return (_ok("python", "Python", f"{sys.executable}", version=version),)


def look_at_folders() -> tuple[Observation, ...]:
    """Look whether devlab's folders and the temporary one can be written to, and have room."""
    return (_temporary(), *_folders())


def _temporary() -> Observation:
    try:
        folder = Path(tempfile.gettempdir())
        with tempfile.NamedTemporaryFile(dir=paths.find_runs_folder()) as file:
            file.write(b"\0" * 4096)
    except DevlabError as error:
        return _useless(error.message, error.hint)
    except OSError as error:
        # Where Python found no folder at all, the error says where it looked.
        where = f"cannot write to {tempfile.tempdir}: " if tempfile.tempdir else ""
        return _useless(f"{where}{error.strerror}", f"make room there, or {_ANOTHER}")
    found = measure_room(TEMPORARY, "temporary folder", folder)
    told = os.environ.get("TMPDIR")
    if found.status is not Status.OK or not told or Path(told) == folder:
        return found
    # Python looks on where a folder is full or is not there.
    return msgspec.structs.replace(
        found,
        status=Status.WARNING,
        message=f"TMPDIR is {told}, which is full or cannot be written to: {folder} is used",
        advice=f"make room in it, or {_ANOTHER}",
    )


def _useless(why: str, advice: str) -> Observation:
    """Return what is told of a temporary folder in which no check can run."""
    return Observation(
        id=TEMPORARY,
        title="temporary folder",
        status=Status.MISSING,
        message=f"{why}; nothing can be graded",
        advice=advice,
    )


def _folders() -> Iterator[Observation]:
    for name, folder in paths.list_conventional_folders().items():
        if why := _unwritable(folder):
            yield Observation(
                id=f"folder:{name}",
                title=f"{name} folder",
                status=Status.WARNING,
                message=f"cannot write to {folder}: {why}",
                advice=f"set {_VARIABLES[name]} to a folder that can be written to",
            )
        elif name == "cache":
            yield measure_room("cache-disk", "room for caches", _nearest(folder))


def _unwritable(folder: Path) -> str:
    """Return why a folder cannot be written to, or made; "" where it can."""
    nearest = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _nearest(folder: Path) -> Path:
    """Return the folder, or the first above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def look_at_strength() -> tuple[Observation, ...]:
    """Tell of memory and processors."""
    available, total = system.measure_memory()
    short = bool(available) and available < _MEMORY
    told = f"{available / 1e9:.1f} of {total / 1e9:.1f} GB available"
    memory = Observation(
        id="memory",
        title="memory",
        status=Status.WARNING if short else Status.OK,
        message=(told if available else f"{total / 1e9:.1f} GB")
        + (": checks may be slow, or be ended by the system" if short else ""),
        advice="close what takes most of it" if short else "",
    )
    jobs = settings.read_jobs()
    number = system.count_processors()
    bound = f", {settings.JOBS}={jobs}" if jobs else ""
    return memory, _ok("processors", "processors", f"{number}{bound}")


def look_at_clock() -> tuple[Observation, ...]:
    """Compare the clock with files that are not of the future; nobody else is asked."""
    now = time.time()
    newest = max(Path(file).stat().st_mtime for file in (scaffolder.__file__, sys.executable))
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now + _BEHIND_SECONDS >= newest:
        return (_ok("clock", "clock", f"{shown}; nothing on this machine contradicts it"),)
    here = system.detect_system()
    fix = here.as_root("hwclock -s" if here.wsl else "timedatectl set-ntp true")
    written = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(newest))
    return (
        Observation(
            id="clock",
            title="clock",
            status=Status.WARNING,
            message=f"says {shown}, but devlab was installed at {written}: it is behind, and"
            " certificates and signatures fail for that",
            fix=(fix,) if here.wsl or here.init == "systemd" else (),
            advice="set the clock",
        ),
    )


def look_at_proxies() -> tuple[Observation, ...]:
    """Tell which proxies are set, without the passwords in their addresses."""
    proxies = {name: value for name, value in urllib.request.getproxies().items() if name != "no"}
    if not proxies:
        return ()
    told = ", ".join(f"{name} by {_without_user(value)}" for name, value in sorted(proxies.items()))
    return (_ok("proxies", "proxies", told),)


def _without_user(address: str) -> str:
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.hostname or 'an address that cannot be read'}{port}"


def look_at_caches() -> tuple[Observation, ...]:
    """Measure what devlab keeps and can make again."""
    folder = paths.list_conventional_folders()["cache"]
    if not folder.is_dir():
        return (_ok("caches", "caches", "none yet"),)
    size, whole = _size(folder)
    large = size > _LARGE_CACHE
    told = f"{'' if whole else 'more than '}{size / 1e9:.1f} GB in {folder}"
    return (
        Observation(
            id="caches",
            title="caches",
            status=Status.WARNING if large else Status.OK,
            message=f"{told}, which can be made again with a network",
            fix=(f"rm -r {shlex.quote(str(folder))}",) if large else (),
        ),
    )


def _size(folder: Path) -> tuple[int, bool]:
    """Return the bytes in a folder, a file with several names once, and whether all was seen."""
    deadline = time.monotonic() + _MEASURED_SECONDS
    seen: set[tuple[int, int]] = set()
    size = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                told = os.lstat(Path(base, name))
            except OSError:
                continue
            key = (told.st_dev, told.st_ino)
            size += 0 if key in seen else told.st_blocks * 512
            seen.add(key)
        if time.monotonic() > deadline:
            return size, False
    return size, True


def _ok(what: str, title: str, message: str, version: str = "") -> Observation:
    return Observation(id=what, title=title, status=Status.OK, message=message, version=version)
