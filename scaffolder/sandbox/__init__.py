"""Where commands that a learner controls run.

`OwnWork` is for `devlab check` on one's own machine: a throw-away copy, a scrubbed environment,
resource limits, and bubblewrap where it works. It keeps accidents in; it is no wall against
somebody who means harm: for other people's work containers are needed.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Completed

# What a command may see of the caller's environment. Everything else, credentials above all,
# stays outside.
PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


# How often a command is started that bubblewrap could not start.
_STARTS = 5


@dataclass(frozen=True)
class Limits:
    """Bounds on one command and all it starts. Sizes are in MB, times in seconds."""

    cpu_seconds: int = 600
    file_mb: int = 512
    open_files: int = 1024
    memory_mb: int = 8192

    def shell_prefix(self) -> str:
        """Return the shell commands that set the bounds before the real command replaces it."""
        return (
            f"ulimit -c 0; ulimit -t {self.cpu_seconds}; ulimit -n {self.open_files}; "
            f"ulimit -f {self.file_mb * 2048}; ulimit -v {self.memory_mb * 1024} 2>/dev/null; "
        )


@dataclass(frozen=True)
class OwnWork:
    """Runs commands on this machine, as far away from the user's things as it can.

    `scratch` is the run's temporary folder: HOME and TMPDIR of every command lie in it.
    """

    scratch: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the scrubbed environment of a command, with `extra` on top."""
        home = self.scratch / "home"
        temporary = self.scratch / "tmp"
        home.mkdir(exist_ok=True)
        temporary.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {
            "PATH": SYSTEM_PATH,
            "HOME": str(home),
            "TMPDIR": str(temporary),
            **kept,
            **(extra or {}),
        }

    def run(  # noqa: PLR0913 -- each bound is a choice of the caller's
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        timeout: float,
        cancel: CancelToken,
        env: Mapping[str, str] | None = None,
        writable: Sequence[Path] = (),
        network: bool = True,
        limits: Limits | None = None,
        output_limit: int = processes.DEFAULT_OUTPUT_LIMIT,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a command that a learner controls; parameters and errors as `processes.run`.

        The file system is read-only but for `cwd`, `scratch` and `writable`, and the machine's
        other processes are out of sight, where bubblewrap is there; without `network` only
        loopback is left. Raises RuntimeError where bubblewrap, which works here, cannot start it.
        """
        bounded = ["/bin/sh", "-c", (limits or Limits()).shell_prefix() + 'exec "$@"', "sh", *argv]
        kept_in = _bubblewrap(network)
        if kept_in:
            places = [self.scratch, cwd, *writable]
            binds = [part for place in places for part in ("--bind", str(place), str(place))]
            bounded = [*kept_in, *binds, "--chdir", str(cwd), "--", *bounded]
        for _ in range(_STARTS):
            done = processes.run(
                bounded,
                cwd=cwd,
                env=self.environment(env),
                timeout=timeout,
                cancel=cancel,
                output_limit=output_limit,
                on_line=on_line,
            )
            if not _never_started(done):
                return done
        raise RuntimeError(f"bubblewrap cannot start a command: {done.stderr.strip()}")


def _never_started(done: Completed) -> bool:
    """Whether bubblewrap gave up before there was a command.

    It remounts every file system read-only, one by one, and fails when one of them goes away
    meanwhile, as a container's does when it ends.
    """
    return not done.ok and not done.stdout and done.stderr.startswith("bwrap: ")


def isolated() -> bool:
    """Whether bubblewrap keeps commands in on this machine, not only a copy and limits."""
    return bool(_bubblewrap(network=False))


def why_not_isolated() -> str:
    """Return why bubblewrap does not work here, in its own words if it has any, or ""."""
    if isolated():
        return ""
    program = shutil.which("bwrap")
    if program is None:
        return "it is not installed"
    try:
        trial = subprocess.run(
            [program, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"],
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not run: {error}"
    said = trial.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else "it does not work"


@functools.cache
def _bubblewrap(network: bool) -> tuple[str, ...]:
    """Return the bubblewrap command that works here, or nothing."""
    program = shutil.which("bwrap")
    if program is None:
        return ()
    command = (
        program,
        *("--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        # Root keeps its powers in there otherwise, that of mounting things writable among them.
        *("--cap-drop", "ALL"),
        *(() if network else ("--unshare-net",)),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/dev/shm"),  # noqa: S108
        *(part for place in _hidden() for part in ("--tmpfs", place)),
        *(part for place in _control_sockets() for part in ("--ro-bind", "/dev/null", place)),
    )
    return command if any(_works(command) for _ in range(_STARTS)) else ()


def _works(command: Sequence[str]) -> bool:
    try:
        trial = subprocess.run(
            [*command, "--", "/bin/true"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0


def _control_sockets() -> tuple[str, ...]:
    """Return the sockets that give power over the machine; no network namespace hides them."""
    names = ("docker.sock", "podman/podman.sock", "containerd/containerd.sock")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "/run")
    places = {Path(folder, name).resolve() for folder in ("/run", runtime) for name in names}
    return tuple(sorted(str(place) for place in places if place.is_socket()))


def _hidden() -> tuple[str, ...]:
    """Return folders of credentials that no learner's command should see."""
    home = Path(os.environ.get("HOME") or tempfile.gettempdir())
    names = (".ssh", ".aws", ".gnupg", ".docker", ".kube", ".config/gh")
    return tuple(str(home / name) for name in names if (home / name).is_dir())
