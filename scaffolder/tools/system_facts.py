"""What of the system decides about commands in the sandbox: the kernel, and the programs there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Where commands in the sandbox find programs.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

# What of the kernel decides whether bubblewrap can keep commands in, and the network out.
_KERNEL = (
    "sys/kernel/apparmor_restrict_unprivileged_unconfined",
    "sys/kernel/apparmor_restrict_unprivileged_userns",
    "sys/kernel/unprivileged_userns_clone",
    "sys/user/max_user_namespaces",
)
# What decides about that from around this process: a container that devlab runs in, say.
_AROUND = ("self/attr/current", "self/uid_map")
_STATUS = ("CapBnd:", "CapEff:", "NoNewPrivs:", "Seccomp:")
# Where programs are let make name spaces, one file for each of them.
_PROFILES = "/etc/apparmor.d"


def list_system_facts() -> Iterator[str]:
    """Yield what decides about the sandbox, and what tells which programs commands in it find.

    That is when a program was last put into each folder, or taken out: a package manager puts a
    new file in the place of the old one. To read them all would take seconds. Whether bubblewrap
    works only a trial tells for sure; this is what can be known at once.
    """
    for name in (*_KERNEL, *_AROUND):
        yield f"{name}: {_read_kernel(name)}"
    yield from filter(_is_confinement, _read_kernel("self/status").splitlines())
    for folder in (*SYSTEM_PATH.split(":"), _PROFILES):
        try:
            yield f"{folder} {os.stat(folder).st_mtime_ns}"  # noqa: PTH116 -- read for each verdict
        except OSError:
            yield f"{folder}: none"


def _is_confinement(line: str) -> bool:
    return line.startswith(_STATUS)


def _read_kernel(name: str) -> str:
    try:
        return Path("/proc", name).read_text("utf-8", "surrogateescape").strip("\0\n")
    except (OSError, ValueError):
        return "none"
