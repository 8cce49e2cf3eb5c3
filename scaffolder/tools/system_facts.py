"""What of the system decides about commands in the sandbox: the kernel, and the programs there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Where commands in the sandbox find programs.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

# What of the kernel decides whether bubblewrap can keep commands in, and the network out.
_KERNEL = (
    *("kernel/apparmor_restrict_unprivileged_userns", "kernel/unprivileged_userns_clone"),
    "user/max_user_namespaces",
)


def list_system_facts() -> Iterator[str]:
    """Yield what decides about the sandbox, and what tells which programs commands in it find.

    That is when a program was last put into each folder, or taken out: a package manager puts a
    new file in the place of the old one. To read them all would take seconds.
    """
    for name in _KERNEL:
        yield f"{name}: {_read_setting(name)}"
    for folder in SYSTEM_PATH.split(":"):
        try:
            yield f"{folder} {os.stat(folder).st_mtime_ns}"  # noqa: PTH116 -- read for each verdict
        except OSError:
            yield f"{folder}: none"


def _read_setting(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text("ascii").strip()
    except (OSError, ValueError):
        return "none"
