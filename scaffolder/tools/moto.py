"""A local cloud: the moto server, on a free loopback port, for as long as it is needed.

It runs as a process of its own (`python -m scaffolder.tools.moto`), so that whatever a learner's
configuration does to it cannot reach the grader, and it dies with the grader.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import re
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from scaffolder.errors import UnavailableError
from scaffolder.tools.lifeline import tied
from scaffolder.tools.processes import CancelToken, Daemon
from scaffolder.tools.versions import pip_install

START_SECONDS = 60.0
ACCOUNT = "123456789012"
_NEEDED = ("moto", "flask", "flask_cors", "boto3")
_READY = re.compile(r"^moto listens on port (\d+)$", re.MULTILINE)


def require() -> None:
    """Raise UnavailableError where the packages of the local cloud are not installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"the local cloud is not installed here ({', '.join(missing)} missing)",
            fix=(pip_install("devlab[cloud]"),),
        )


def version() -> str:
    """Return moto's version; raises UnavailableError as `require`."""
    require()
    return importlib.metadata.version("moto")


class Moto:
    """A moto server of our own. `url` is its address; `stop` ends it."""

    def __init__(self, url: str, daemon: Daemon) -> None:
        self.url = url
        self._daemon = daemon

    @property
    def alive(self) -> bool:
        """Whether the server still runs."""
        return self._daemon.alive

    def stop(self) -> None:
        """End the server; harmless when it is over."""
        self._daemon.stop()


def start(folder: Path, env: Mapping[str, str], cancel: CancelToken) -> Moto:
    """Start a server, with its log in `folder`, and wait until it answers.

    Raises UnavailableError where moto is not installed, RuntimeError where it does not come up
    within START_SECONDS, InterruptedRunError on `cancel`.
    """
    require()
    # An attached arn:aws:iam::aws:policy/... must be there to be judged.
    settings = {
        **env,
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # Some of its services would run a configuration's code in containers.
        "DOCKER_HOST": "tcp://127.0.0.1:9",
    }
    command = tied([sys.executable, "-m", "scaffolder.tools.moto"])
    daemon = Daemon(command, log=folder / "moto.log", cwd=folder, env=settings)
    try:
        return Moto(f"http://127.0.0.1:{_port(daemon, cancel)}", daemon)
    except BaseException:
        daemon.stop()
        raise


def _port(daemon: Daemon, cancel: CancelToken) -> int:
    deadline = time.monotonic() + START_SECONDS
    while daemon.alive and time.monotonic() < deadline:
        found = _READY.search(daemon.log.read_text("utf-8", "replace"))
        if found:
            return int(found.group(1))
        cancel.wait(0.05)
    last = daemon.log.read_text("utf-8", "replace").strip().splitlines()[-5:]
    raise RuntimeError(f"moto did not start: {' | '.join(last) or 'it said nothing'}")


def serve() -> None:
    """Serve until killed; print the port once it is bound."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(f"moto listens on port {port}", flush=True)  # noqa: T201 -- this is the protocol
    threading.Event().wait()


if __name__ == "__main__":
    serve()
