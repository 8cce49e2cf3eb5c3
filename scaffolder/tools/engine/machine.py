"""What sounds like trouble of the engine's own machine: a full disk, a broken runtime.

Words tell what to suspect and what to say of it. Whether it is so, is for a control to show: the
same thing done with what is known to work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine import mending
from scaffolder.tools.engine.connection import find_endpoint

# What a runtime says of the program, user and folders that the image names.
_IMAGE_AT_FAULT = re.compile(
    r"(?:unable to start container process|starting container process caused)\W+"
    r"(?:error during container init\W+)?exec\b"
    r"|chdir to cwd|unable to find (?:user|group)|not a directory",
    re.IGNORECASE,
)
# At the end, where Go and Python put the cause: what stands before may be a name of the learner's.
_FULL = re.compile(
    r"(?:no space left on device|disk quota exceeded)(?: \(os error \d+\)|: unknown)?\W*$",
    re.IGNORECASE,
)
_SHORT_OF = re.compile(
    r"(?:cannot allocate memory|too many open files(?: in system)?|input/output error"
    r"|resource temporarily unavailable|/var/lib/\S+: read-only file system)(?:: unknown)?\W*$",
    re.IGNORECASE,
)
_RUNTIME = re.compile(
    r"cgroup config|\bcgroups?: |/sys/fs/cgroup/|cgroup mountpoint"
    r"|ip6?tables failed|ip6?tables(?:-\w+)?: |/run/xtables\.lock"
    r"|programming external connectivity|failed to create endpoint|set up container networking"
    r"|failed to mount overlay|creating overlay mount|failed to mount /var/lib/"
    r"|error mounting \"(?:proc|sysfs|devpts|mqueue|shm|cgroup2?)\" to rootfs"
    r"|(?:fork/exec |exec: \")\S*(?:runc|crun|shim|docker-init|docker-proxy)\b"
    r"|failed to start shim|ttrpc: closed|(?:runc|crun) did not terminate suc{1,2}ess?fully"
    r"|child's PID from pipe|init preliminary setup|apparmor|seccomp"
    r"|unknown or invalid runtime name|context deadline exceeded: unknown",
    re.IGNORECASE,
)
# How BuildKit's runtime begins what it puts among the output of a step that it cannot start.
_RUNTIME_SAYS = re.compile(r"(?:runc|crun) (?:run|create) failed: |container_linux\.go:\d+: ")


def recognize_trouble(said: str) -> UnavailableError | None:
    """Return what to say of the machine where an engine's words speak of it, else None."""
    if _IMAGE_AT_FAULT.search(said):
        return None
    if _FULL.search(said):
        return _full(said)
    if _SHORT_OF.search(said) or _RUNTIME.search(said):
        return UnavailableError(
            f"the Docker Engine's machine is in trouble: {said}", fix=mending.wake(find_endpoint())
        )
    return None


def _full(said: str) -> UnavailableError:
    return UnavailableError(
        f"the Docker Engine's disk is full: {said}",
        hint="docker system df shows what takes it, docker system prune removes what is unused",
    )


def suspect_trouble(printed: Sequence[str]) -> UnavailableError | None:
    """Return what to say of the machine where the output of a step sounds like its trouble."""
    for line in reversed(printed):
        if _FULL.search(line):
            return _full(line)
        if _RUNTIME_SAYS.match(line) and (found := recognize_trouble(line)):
            return found
    return None
