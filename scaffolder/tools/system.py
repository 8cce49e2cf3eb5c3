"""The system that devlab runs on, as far as a command that mends something depends on it.

devlab never runs such a command: it is for the person to read, to judge and to copy.
"""

from __future__ import annotations

import functools
import getpass
import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Manager = Literal["apt-get", "dnf", "pacman", "apk", "brew"]

# By what /etc/os-release calls a distribution, or what it is like.
_MANAGERS: Mapping[str, Manager] = {
    "debian": "apt-get",
    "ubuntu": "apt-get",
    "fedora": "dnf",
    "rhel": "dnf",
    "arch": "pacman",
    "alpine": "apk",
}
_INSTALL: Mapping[Manager, str] = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "apk": "apk add",
    "brew": "brew install",
}


@dataclass(frozen=True)
class System:
    """What a mending command depends on.

    `name` is what the system calls itself; `manager` the package manager, if one is known;
    `prefix` what goes before a command that only root may run, "sudo " or nothing; `init` what
    starts services.
    """

    name: str
    kind: str
    manager: Manager | None
    prefix: str
    init: Literal["systemd", "openrc", "sysv", ""]
    wsl: bool

    def install(self, packages: Mapping[Manager, str]) -> tuple[str, ...]:
        """Return the command that installs the package that a manager calls so; none for others."""
        package = packages.get(self.manager) if self.manager else None
        if self.manager is None or package is None:
            return ()
        prefix = "" if self.manager == "brew" else self.prefix
        return (f"{prefix}{_INSTALL[self.manager]} {package}",)

    def as_root(self, command: str) -> str:
        """Return the command as this user has to type it for root to run it."""
        return f"{self.prefix}{command}"

    def service(self, name: str, verb: Literal["start", "restart"]) -> tuple[str, ...]:
        """Return the command that does this to a service; none where no way is known."""
        match self.init:
            case "systemd":
                return (self.as_root(f"systemctl {verb} {name}"),)
            case "openrc":
                return (self.as_root(f"rc-service {name} {verb}"),)
            case "sysv":
                return (self.as_root(f"service {name} {verb}"),)
            case _:
                return ()


@functools.cache
def detect_system() -> System:
    """Return the system that this process runs on; asks nothing but files and PATH."""
    kind = platform.system()
    release = Path("/proc/sys/kernel/osrelease")
    wsl = release.is_file() and "microsoft" in release.read_text("utf-8", "replace").lower()
    return System(
        name=_name(kind) + (" in WSL" if wsl else ""),
        kind=kind,
        manager=_manager(kind),
        prefix=_prefix(),
        init=_init(kind),
        wsl=wsl,
    )


def _manager(kind: str) -> Manager | None:
    if kind == "Darwin":
        return "brew"
    told = _os_release()
    ids = [told.get("ID", ""), *told.get("ID_LIKE", "").split()]
    return next((_MANAGERS[one] for one in ids if one in _MANAGERS), None)


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _prefix() -> str:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return ""
    # Where there is no sudo, doas does the same; where there is neither, the word says what to do.
    return "doas " if not shutil.which("sudo") and shutil.which("doas") else "sudo "


def _init(kind: str) -> Literal["systemd", "openrc", "sysv", ""]:
    if kind != "Linux":
        return ""
    if Path("/run/systemd/system").is_dir():
        return "systemd"
    return "openrc" if Path("/run/openrc").is_dir() else "sysv"


def _name(kind: str) -> str:
    if kind == "Darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return _os_release().get("PRETTY_NAME", f"{kind} {platform.release()}")


def find_codename() -> str:
    """Return the name by which the distribution's release is known in package sources, or ""."""
    told = _os_release()
    name = told.get("UBUNTU_CODENAME") or told.get("VERSION_CODENAME", "")
    return name if re.fullmatch(r"[a-z][a-z0-9-]*", name) else ""


def is_in_group(name: str) -> bool:
    """Whether this user is a member of the group, also where this session began before that."""
    import grp
    import pwd

    try:
        group = grp.getgrnam(name)
        account = pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return account.pw_name in group.gr_mem or account.pw_gid == group.gr_gid


def find_user() -> str:
    """Return the name of the user, as a command that is to be copied can have it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return "$USER"
    return name if re.fullmatch(r"[A-Za-z_][\w.-]*", name) else "$USER"


def count_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_memory() -> tuple[int, int]:
    """Return the bytes of memory that are available, and of all; 0 for what cannot be told.

    The limit of a control group that this process is in counts as all.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    available = 0
    told = _text(Path("/proc/meminfo"))
    if found := re.search(r"^MemAvailable:\s+(\d+) kB", told, re.MULTILINE):
        available = int(found[1]) * 1024
    bound = _text(Path("/sys/fs/cgroup/memory.max")).strip()
    if bound.isdecimal() and int(bound) < total:
        used = _text(Path("/sys/fs/cgroup/memory.current")).strip()
        total = int(bound)
        available = min(available, total - (int(used) if used.isdecimal() else 0))
    return available, total


def read_setting(name: str) -> str:
    """Return the kernel's setting (`kernel.x` as sysctl names it), or "" where it has none."""
    return _text(Path("/proc/sys", *name.split("."))).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
