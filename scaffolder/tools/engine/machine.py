"""Tell the trouble of the engine's own machine from the learner's: a full disk, a broken runtime.

The engine's own words are believed. What a step of a build prints is not: anybody can print it, so
the machine is looked at.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from scaffolder.errors import UnavailableError
from scaffolder.tools.engine import mending
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, endpoint, trouble

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
# Some of it is free again when a step has failed for want of it.
_LITTLE_KB = 1024 * 1024
_ANSWER_SECONDS = 20
_TRIES = 3


def unavailable(said: str) -> UnavailableError | None:
    """Return the error to raise where the engine's words speak of its machine, else None."""
    if _IMAGE_AT_FAULT.search(said):
        return None
    if _FULL.search(said):
        return _full(said)
    if _SHORT_OF.search(said) or _RUNTIME.search(said):
        return UnavailableError(
            f"the Docker Engine's machine is in trouble: {said}", fix=mending.wake(endpoint())
        )
    return None


def _full(said: str) -> UnavailableError:
    return UnavailableError(
        f"the Docker Engine's disk is full: {said}",
        hint="docker system df shows what takes it, docker system prune removes what is unused",
    )


def confirmed(
    engine: Engine, run_id: str, printed: Sequence[str], images: Sequence[str]
) -> UnavailableError | None:
    """Return the error to raise where a step printed trouble of the machine, and it is there.

    A container of one of the `images` that the engine has, or of any other, is started to see.
    """
    full = [line for line in printed if _FULL.search(line)]
    broken = [line for line in printed if _RUNTIME_SAYS.match(line) and unavailable(line)]
    if not full and not broken:
        return None
    for image in (*images, *_others(engine)):
        try:
            free = _free_kilobytes(engine, run_id, image)
        except UnavailableError as error:
            return error
        if free is not None:
            return _full(full[-1]) if full and free < _LITTLE_KB else None
    return None


def _others(engine: Engine) -> list[str]:
    with trouble():
        named = [image["Id"] for image in engine.api.images() if image.get("RepoTags")]
    return list(dict.fromkeys(named))[:_TRIES]


def _free_kilobytes(engine: Engine, run_id: str, image: str) -> int | None:
    """Return the room on the disk of the engine's containers; None where `image` cannot tell.

    Raises UnavailableError where the machine starts no container.
    """
    from docker.errors import APIError

    try:
        with trouble(), _container(engine, run_id, image) as name:
            engine.api.start(name)
            engine.api.wait(name, timeout=_ANSWER_SECONDS)
            lines = engine.api.logs(name, stderr=False).decode(errors="replace").splitlines()
    except APIError as error:
        if trouble_of_machine := unavailable(str(error.explanation or error)):
            raise trouble_of_machine from error
        return None
    columns = lines[-1].split() if len(lines) > 1 else []
    return int(columns[3]) if len(columns) > 3 and columns[3].isdecimal() else None


@contextlib.contextmanager
def _container(engine: Engine, run_id: str, image: str) -> Iterator[str]:
    created = engine.api.create_container(
        image,
        entrypoint=["df", "-Pk", "/"],
        labels={RUN_LABEL: run_id},
        host_config=engine.api.create_host_config(network_mode="none"),
    )["Id"]
    try:
        yield created
    finally:
        with contextlib.suppress(Exception):
            engine.api.remove_container(created, force=True, v=True)
