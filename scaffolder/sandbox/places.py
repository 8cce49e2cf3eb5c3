"""What of this machine a sandboxed command sees besides its own folders.

An allowlist: what is not named here, or by whoever runs a command, is not there.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

# Programs and libraries. What distributions keep elsewhere is named by who needs it.
_TREES = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
)
# Settings that programs need and that are nobody's secret.
_SETTINGS = (
    *("alternatives", "debian_version", "default/locale", "ld.so.cache", "ld.so.conf"),
    *("ld.so.conf.d", "locale.alias", "locale.conf", "localtime", "lsb-release", "timezone"),
    *("os-release", "redhat-release", "alpine-release", "arch-release", "system-release"),
    *("passwd", "group", "nsswitch.conf", "host.conf", "gai.conf", "protocols"),
    *("services", "ethertypes", "mime.types", "magic", "magic.mime", "inputrc", "terminfo"),
    *("bash.bashrc", "bashrc", "profile", "perl", "papersize", "xml", "mailcap", "rpc"),
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ca-certificates", "ca-certificates.conf"),
    *("pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf"),
    *("crypto-policies", "python3", "python3.10", "python3.11", "python3.12", "python3.13"),
)
# As many steps as a path can take; one that leads round in circles ends there.
_STEPS_LIMIT = 400
# Folders that programs expect; there is nothing in them.
EMPTY = ("/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/var")


@functools.cache
def list_system_places() -> tuple[Path, ...]:
    """Return what every command sees."""
    named = (*map(Path, _TREES), *(Path("/etc", name) for name in _SETTINGS))
    return tuple(path for path in named if os.path.lexists(path))


@functools.cache
def list_hidden_places() -> tuple[Path, ...]:
    """Return folders that stay empty though they lie in what is seen.

    They are those of the packages that devlab is installed among, where labs with their solutions
    lie too.
    """
    own = (
        Path(folder) for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))
    )
    # Programs of the system's are written in Python too.
    theirs = Path("/usr/lib/python3/dist-packages")
    return tuple({path.resolve() for path in own if path.is_dir() and path != theirs})


def list_python_parts(executable: Path) -> tuple[Path, ...]:
    """Return what there must be for a Python, or one of its environments, to run.

    Packages that are installed in it are no part of it.
    """
    real = executable.resolve()
    prefix = real.parent.parent
    parts = [executable, real, *prefix.glob("lib/libpython3*"), *prefix.glob("include/python3*")]
    parts += prefix.glob("lib*/python3.*")
    settings = executable.parent.parent / "pyvenv.cfg"
    return (*parts, settings) if settings.is_file() else tuple(parts)


@functools.cache
def list_own_code() -> tuple[Path, ...]:
    """Return what there must be for a program of devlab's to run: no lab is part of it."""
    libraries = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return (*list_python_parts(Path(sys.executable)), *libraries, PACKAGE)


@functools.cache
def list_masks(folder: Path) -> tuple[Path, ...]:
    """Return what stays empty in a folder that is seen: labs, and a Python's packages."""
    inside = (folder / "site-packages", folder / "_catalog", folder / "scaffolder" / "_catalog")
    # Unlike pathlib, this takes what the user may not look into for what is not there.
    return tuple(filter(os.path.isdir, inside))


def list_links(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the symbolic links that lead from `path` to what it really is, with their targets."""
    parts = list(path.parts)
    place = Path(parts.pop(0))
    for _ in range(_STEPS_LIMIT):
        if not parts:
            return
        name = parts.pop(0)
        if name == "..":
            place = place.parent
            continue
        place /= name
        if os.path.islink(place):  # noqa: PTH114 -- pathlib raises where the user may not look
            target = str(place.readlink())
            yield place, target
            parts = [*Path(target).parts, *parts]
            place = Path(parts.pop(0)) if Path(target).is_absolute() else place.parent
