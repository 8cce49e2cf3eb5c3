"""The command line by which bubblewrap starts a command among what it may see.

The root is empty; what is seen is mounted into it, and then it is made read-only. Nothing else of
the machine has a name in there: no home folder, no socket, no process, no network but loopback.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from scaffolder.core.run_folders import make_run_folder
from scaffolder.sandbox import places
from scaffolder.sandbox.syscalls import build_filter
from scaffolder.tools.command import Command
from scaffolder.tools.processes import list_children

# How often a command is started that bubblewrap could not start.
STARTS = 5
HOME = "/home/learner"
TEMPORARY = "/tmp"  # noqa: S108 -- a folder of the command's own in there
# Folders of the command's own, by their names in its private folder.
_OWN = {"home": HOME, "tmp": TEMPORARY, "var-tmp": "/var/tmp", "shm": "/dev/shm"}  # noqa: S108
_STARTED, _FILTER, _HOSTS, _ENDED = "started", "filter", "hosts", "ended"
# The number of what bubblewrap runs, in there; the first is its own.
_SECOND = "2"
_NAME = "runnervm"
# Whoever looks up the name of the machine that it is on, as git does, looks no further.
_NAMES = f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {_NAME}\n"
_OPTIONS = (
    *("--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"),
    # Root keeps its powers in there otherwise, that of mounting things writable among them.
    *("--unshare-cgroup-try", "--cap-drop", "ALL", "--hostname", _NAME, "--seccomp", "9"),
)
_KERNEL = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi")
# The marker is written and closed before anything of the learner's runs.
_OPENED = f'exec "$@" 7>"$0/{_ENDED}" 8>"$0/{_STARTED}" 9<"$0/{_FILTER}"'
_BEGUN = "echo >&8; exec 8>&-; "
_RUN = 'exec "$@" 7>&-'
# The shell stays, to see what stays: there are its own number and that of the first process, and
# what the program has started has a second to follow it. What a shell says of signals is silenced.
_RUN_AND_LOOK = """
exec 6>&2 2>/dev/null
(exec "$@" 2>&6 6>&- 7>&-)
code=$?
echo >&7
round=0
while set -- /proc/[0-9]*; [ $# -gt 2 ]; do
  round=$((round + 1))
  if [ $round -gt 20 ]; then echo >&7; break; fi
  sleep 0.05
done
exit $code
"""


class _Mount(Enum):
    """How a place is there: as it is on the machine, or an empty one of the sandbox's own."""

    READ = "--ro-bind"
    WRITE = "--bind"
    MASK = "--tmpfs"
    EMPTY = "--dir"
    OWN = "--bind-own"


def enclose(command: Command, private: Path) -> list[str]:
    """Return the command line that runs `command` in a sandbox.

    `private` is an empty folder on the machine where the sandbox keeps the command's own things.
    """
    for name in _OWN:
        (private / name).mkdir()
    (private / _FILTER).write_bytes(build_filter())
    (private / _HOSTS).write_text(_NAMES, "ascii")
    program = find_program() or "bwrap"
    run = _RUN_AND_LOOK if command.find_left else _RUN
    inner = ["/bin/sh", "-c", f"{_BEGUN}{command.limits.shell_prefix()}{run}", "sh"]
    return [
        *("/bin/sh", "-c", _OPENED, str(private), program, *_OPTIONS),
        *_mounts(command, private),
        *("--chdir", str(command.cwd), "--", *inner, *map(str, command.argv)),
    ]


def has_started(private: Path) -> bool:
    """Whether the command of a private folder began, whatever became of it.

    bubblewrap can fail before: something that it mounts goes away while it does.
    """
    marker = private / _STARTED
    return marker.is_file() and marker.stat().st_size > 0


def has_ended(private: Path) -> bool:
    """Whether the program of a command with `find_left` is over, whatever stayed of it.

    The work can write this itself, and is told what it says of itself.
    """
    return _count_marks(private) > 0


def has_left_something(private: Path) -> bool:
    """Whether something that a command with `find_left` started went on after its end."""
    return _count_marks(private) > 1


def _count_marks(private: Path) -> int:
    marker = private / _ENDED
    return marker.stat().st_size if marker.is_file() else 0


def find_command(pid: int, *, looked_after: bool) -> int | None:
    """Return the id, on this machine, of the program that runs in the sandbox of a bubblewrap.

    `looked_after` says whether a shell stays around it, as with `find_left`. None where it does
    not run, or the system does not tell.
    """
    for first in list_children(pid):
        for second in list_children(first):
            # What lost its parent is a child of the first process, too.
            if _number_inside(second) == _SECOND:
                return next(iter(list_children(second)), None) if looked_after else second
    return None


def _number_inside(pid: int) -> str:
    try:
        told = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return ""
    line = next((one for one in told.splitlines() if one.startswith("NSpid:")), "")
    return line.split()[-1] if line else ""


def find_program() -> str | None:
    return shutil.which("bwrap")


@functools.cache
def why_not() -> str | None:
    """Return why bubblewrap does not work here, in its own words if it has any, or None."""
    if find_program() is None:
        return "it is not installed"
    for _ in range(STARTS):
        why = _try_once()
        if why is None:
            break
    return why


def _try_once() -> str | None:
    with make_run_folder() as place:
        work, private = place / "work", place / "private"
        work.mkdir()
        private.mkdir()
        argv = enclose(Command(argv=("/bin/true",), cwd=work, timeout=10), private)
        try:
            trial = subprocess.run(argv, capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"it does not run: {error}"
    if trial.returncode == 0:
        return None
    said = trial.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else "it does not work"


class _Plan:
    """The mounts of a sandbox by the real paths of their places."""

    def __init__(self) -> None:
        self._mounts: dict[Path, _Mount] = {Path(name): _Mount.EMPTY for name in places.EMPTY}
        self._mounts |= {Path(name): _Mount.OWN for name in _OWN.values()}
        self._links: dict[Path, str] = {}

    def show(self, path: Path) -> None:
        """Let a place be seen, under the very name that it has here."""
        self._add(path, _Mount.READ)
        for inside in places.list_masks(path.resolve()):
            self.mask(inside)

    def mask(self, path: Path) -> None:
        """Let a folder be empty, where it would be seen at all."""
        if self._kind_at(path) in (_Mount.READ, _Mount.WRITE):
            self._mounts[path] = _Mount.MASK

    def open(self, path: Path) -> None:
        """Let a place be written to."""
        self._add(path, _Mount.WRITE)

    def _add(self, path: Path, kind: _Mount) -> None:
        self._links.update(places.list_links(path))
        real = path.resolve()
        if self._kind_at(real) is not kind:
            self._mounts[real] = kind

    def _kind_at(self, path: Path) -> _Mount | None:
        """Return what a path is part of."""
        around = (self._mounts.get(each) for each in (path, *path.parents))
        return next((kind for kind in around if kind is not None), None)

    def arguments(self, private: Path) -> Iterator[str]:
        """Yield what bubblewrap is told, what lies in something after it."""
        # The first process is bubblewrap's own: who writes into its memory could have it live on.
        yield from ("--proc", "/proc", "--tmpfs", "/proc/1", "--dev", "/dev")
        # Root may write there by the modes alone, and not all of it belongs to a name space.
        for kernel in filter(os.path.exists, _KERNEL):
            yield from ("--ro-bind", kernel, kernel)
        own = {Path(place): private / name for name, place in _OWN.items()}
        links = {
            link: target
            for link, target in self._links.items()
            if self._kind_at(link) not in (_Mount.READ, _Mount.WRITE)
        }
        for path in sorted([*self._mounts, *links]):
            if path in links:
                yield from ("--symlink", links[path], str(path))
            elif self._mounts[path] is _Mount.OWN:
                yield from ("--bind", str(own[path]), str(path))
            elif self._mounts[path] in (_Mount.READ, _Mount.WRITE):
                yield from (self._mounts[path].value, str(path), str(path))
            else:
                yield from (self._mounts[path].value, str(path))
        yield from ("--ro-bind", str(private / _HOSTS), "/etc/hosts")
        masks = [str(path) for path, kind in self._mounts.items() if kind is _Mount.MASK]
        for place in (*masks, "/proc/1", "/dev", "/"):
            yield from ("--remount-ro", place)


def _mounts(command: Command, private: Path) -> Iterator[str]:
    plan = _Plan()
    for path in places.list_system_places():
        plan.show(path)
    for path in places.list_hidden_places():
        plan.mask(path)
    for path in sorted(command.visible, key=_depth):
        plan.show(path)
    for path in sorted((command.cwd, *command.writable), key=_depth):
        plan.open(path)
    return plan.arguments(private)


def _depth(path: Path) -> int:
    return len(path.parts)
