"""Where commands that a learner controls run.

`OwnWork` is for `devlab check` on one's own machine: a throw-away copy, a scrubbed environment,
bounds, and, where bubblewrap works, a machine of its own in which there is nothing but the system's
programs, the copy, and what the command needs. Without bubblewrap it keeps accidents in and is no
wall. For other people's work containers are needed: both share the kernel, but a container has its
limits from it and is run by nobody's user.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from scaffolder.core.folders import remove_tree
from scaffolder.sandbox import bubblewrap
from scaffolder.sandbox.census import Census
from scaffolder.sandbox.interrupting import Interrupter
from scaffolder.sandbox.places import list_own_code, list_python_parts
from scaffolder.tools import processes
from scaffolder.tools.command import Command, Interruption, Limits, Sandbox
from scaffolder.tools.lifeline import tie_command
from scaffolder.tools.processes import CancelToken, Completed, Daemon, Ending
from scaffolder.tools.system_facts import SYSTEM_PATH

__all__ = [
    "Command",
    "Interruption",
    "Limits",
    "MakeSandbox",
    "OwnWork",
    "Sandbox",
    "identify_sandbox",
    "is_isolated",
    "is_refused",
    "list_own_code",
    "list_python_parts",
    "make_environment",
]

# Makes the sandbox of a run, given its temporary folder and who hears what its report must say. One
# is also made only to be asked what it is: nothing must happen before a command runs.
MakeSandbox = Callable[[Path, Callable[[str], object]], Sandbox]

# What a command may see of the caller's environment. Everything else, credentials above all,
# stays outside.
PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
# Where there is a network, its certificates belong to it.
_NETWORKED = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_NOT_ISOLATED = (
    "bubblewrap does not work here: what the work runs was kept in by a temporary copy and limits, "
    "and could reach the network"
)


@dataclass(frozen=True)
class OwnWork:
    """Runs commands on this machine, as far away from the user's things as it can.

    `scratch` is the run's temporary folder. No command sees it: each gets a HOME and a TMPDIR of
    its own, which are gone when it has ended. `tell` hears of a command that runs
    without bubblewrap.
    """

    scratch: Path
    tell: Callable[[str], object] = lambda _: None

    @property
    def identity(self) -> str:
        """What keeps commands in here: bubblewrap, or none."""
        return "bubblewrap" if is_isolated() else "none"

    @property
    def walled(self) -> bool:
        """Whether a command has a machine, and a loopback, of its own."""
        return is_isolated()

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a scrubbed environment for programs that are ours, with `extra` on top."""
        return make_environment(self.scratch, extra)

    def run(self, command: Command, cancel: CancelToken) -> Completed:
        """Run a command to its end; errors as `processes.run`.

        Raises RuntimeError where bubblewrap, which works here, cannot start it.
        """
        for _ in range(bubblewrap.STARTS):
            with self._private() as private:
                done = self._run_once(command, private, cancel)
                if done.ok or not is_isolated() or bubblewrap.has_started(private):
                    return done
        raise RuntimeError(f"bubblewrap cannot start a command: {done.stderr.strip()}")

    def _run_once(self, command: Command, private: Path, cancel: CancelToken) -> Completed:
        argv, env = self._enclosed(command, private)
        walled = is_isolated()
        watches = _Watches(command, private, walled)
        done = processes.run(
            argv,
            cwd=command.cwd,
            env=env,
            timeout=command.timeout,
            cancel=cancel,
            stdin=command.stdin,
            output_limit=command.output_limit,
            on_line=watches.hear_line if command.on_line or command.interruption else None,
            on_error_line=watches.interrupter.hear if watches.interrupter else None,
            watch=watches.look if walled or watches.interrupter else None,
            find_left=command.find_left and not walled,
        )
        left = done.left_behind or (command.find_left and bubblewrap.has_left_something(private))
        return replace(done, left_behind=left, signalled=watches.signalled)

    def start(self, command: Command, log: Path) -> Daemon:
        """Start a server that ends when it is stopped, or with us; its output goes to `log`."""
        private = Path(tempfile.mkdtemp(prefix="own-", dir=self.scratch))
        argv, env = self._enclosed(command, private)
        return Daemon(tie_command(argv), log=log, cwd=command.cwd, env=env)

    @contextlib.contextmanager
    def _private(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="own-", dir=self.scratch))
        try:
            yield folder
        finally:
            remove_tree(folder)

    def _enclosed(self, command: Command, private: Path) -> tuple[list[str], dict[str, str]]:
        """Return the command line that keeps a command in as well as it goes, and its variables."""
        if is_isolated():
            own = _environment(Path(bubblewrap.HOME), Path(bubblewrap.TEMPORARY))
            return bubblewrap.enclose(command, private), {**own, **command.env}
        self.tell(_NOT_ISOLATED)
        own = _environment(private / "home", private / "tmp")
        own |= {name: os.environ[name] for name in _NETWORKED if name in os.environ}
        for name in ("HOME", "TMPDIR"):
            Path(own[name]).mkdir()
        bounded = command.limits.shell_prefix() + 'exec "$@"'
        return ["/bin/sh", "-c", bounded, "sh", *map(str, command.argv)], {**own, **command.env}


class _Watches:
    """What is looked at while a command runs: its limits, and whether a signal is due."""

    def __init__(self, command: Command, private: Path, walled: bool) -> None:
        self._command = command
        self._private = private
        self._walled = walled
        self._census = _census(command, private) if walled else None
        plan = command.interruption
        self.interrupter = Interrupter(plan, self._find_program) if plan else None

    @property
    def signalled(self) -> bool:
        return self.interrupter is not None and self.interrupter.sent

    def look(self, pid: int) -> Ending | None:
        if self.interrupter is not None:
            self.interrupter.look(pid)
        return self._census(pid) if self._census is not None else None

    def hear_line(self, line: str) -> None:
        if self.interrupter is not None:
            self.interrupter.hear(line)
        if self._command.on_line is not None:
            self._command.on_line(line)

    def _find_program(self, pid: int) -> int | None:
        """Return the process of the command itself; without bubblewrap it is the one started."""
        if not self._walled:
            return pid
        if bubblewrap.has_ended(self._private):
            return None
        return bubblewrap.find_command(pid, looked_after=self._command.find_left)


def _census(command: Command, private: Path) -> Census:
    places = {path.resolve() for path in (command.cwd, *command.writable, private)}
    return Census(
        command.limits,
        tuple(path for path in places if not places.intersection(path.parents)),
    )


def make_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a scrubbed environment for programs that are ours, with `extra` on top.

    HOME and TMPDIR are made in `folder`.
    """
    home, temporary = folder / "home", folder / "tmp"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    certificates = {name: os.environ[name] for name in _NETWORKED if name in os.environ}
    return {**_environment(home, temporary), **certificates, **(extra or {})}


def _environment(home: Path, temporary: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": SYSTEM_PATH, "HOME": str(home), "TMPDIR": str(temporary), **kept}


def is_isolated() -> bool:
    """Whether bubblewrap keeps commands in on this machine, not only a copy and limits."""
    return bubblewrap.why_not() is None


def identify_sandbox(make_sandbox: MakeSandbox) -> str:
    """Return the identity of the sandboxes that something makes; may start a process."""
    return make_sandbox(Path(os.devnull), lambda _: None).identity


def is_refused() -> bool:
    """Whether bubblewrap is installed here and does not work.

    What refuses it may be mended in more ways than files tell.
    """
    return bubblewrap.find_program() is not None and not is_isolated()


def why_not_isolated() -> str:
    """Return why bubblewrap does not work here, in its own words if it has any, or ""."""
    return bubblewrap.why_not() or ""
