"""A local cloud: the moto server, on a free loopback port, for as long as it is needed.

It runs as a process of its own (`python -m ...checks.terraform.moto`) in the sandbox, so whatever
a learner's configuration does to it can reach neither the grader nor the machine, and it dies with
the grader. It listens on a socket in a folder, and relays lead there from loopback.
"""

from __future__ import annotations

import http
import http.client
import importlib.metadata
import importlib.util
import logging
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaffolder.checks.terraform.relay import PROGRAM, Relay
from scaffolder.core.errors import UnavailableError
from scaffolder.core.run_folders import SocketFolder
from scaffolder.tools.command import Command, Limits, Sandbox
from scaffolder.tools.processes import CancelToken, Daemon
from scaffolder.tools.versions import format_pip_install

START_SECONDS = 60.0
_NEEDED = ("moto", "flask", "flask_cors", "boto3")
_READY = "moto listens"
_SOCKET = "socket"
# moto's own page for people, which costs it nothing. All else below is for steering it.
_ALIVE = "/moto-api/"
_LIMITS = Limits(cpu_seconds=24 * 3600, open_files=4096)


def require() -> None:
    """Raise UnavailableError where the packages of the local cloud are not installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"the local cloud is not installed here ({', '.join(missing)} missing)",
            fix=(format_pip_install("devlab[cloud]"),),
        )


def read_version() -> str:
    """Return moto's version; raises UnavailableError as `require`."""
    require()
    return importlib.metadata.version("moto")


class Moto:
    """A moto server of our own. `url` is its address; `stop` ends it."""

    def __init__(self, daemon: Daemon, sockets: SocketFolder, record: Path) -> None:
        self._daemon = daemon
        self._record = record
        self._sockets = sockets
        self._relay = Relay(f"{sockets.path}/{_SOCKET}")
        self._relay.serve()
        self.url = f"http://127.0.0.1:{self._relay.port}"

    @property
    def visible(self) -> tuple[Path, ...]:
        """What must be seen in a sandbox where a relay of its own leads here."""
        return (self._sockets.path, PROGRAM)

    def reached_by(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` in a sandbox with the same `url` in there."""
        target = f"{self._sockets.path}/{_SOCKET}"
        python = str(Path(sys.executable).resolve())
        return [python, "-I", "-S", str(PROGRAM), str(self._relay.port), target, *argv]

    @property
    def alive(self) -> bool:
        """Whether the server still runs."""
        return self._daemon.alive

    @property
    def answers(self) -> bool:
        """Whether the server still answers a question of ours."""
        try:
            connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
            connection.request("GET", _ALIVE)
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False

    def refusals(self) -> tuple[str, ...]:
        """Return what the server could not do so far, in the order in which it was asked."""
        if not self._record.exists():
            return ()
        return tuple(self._record.read_text("utf-8", "replace").splitlines())

    def stop(self) -> None:
        """End the server; harmless when it is over."""
        self._relay.close()
        self._daemon.stop()
        self._sockets.remove()


def start(sandbox: Sandbox, folder: Path, visible: Sequence[Path], cancel: CancelToken) -> Moto:
    """Start a server, with its log in `folder`, and wait until it answers.

    `visible` is what programs of devlab's need. Raises UnavailableError where moto is not
    installed, RuntimeError where it does not come up within START_SECONDS, InterruptedRunError on
    `cancel`.
    """
    require()
    sockets = SocketFolder(folder, len(f"/{_SOCKET}"))
    record = folder / "refusals.log"
    socket = f"{sockets.path}/{_SOCKET}"
    command = Command(
        argv=(sys.executable, "-m", "scaffolder.checks.terraform.moto", socket, str(record)),
        cwd=folder,
        timeout=START_SECONDS,
        visible=visible,
        writable=(sockets.path,),
        env={
            # An attached arn:aws:iam::aws:policy/... must be there to be judged.
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            # Drawn, since everybody knows the account that moto has by itself.
            "MOTO_ACCOUNT_ID": str(10**11 + secrets.randbelow(9 * 10**11)),
            # Some of its services would run a configuration's code in containers.
            "DOCKER_HOST": "tcp://127.0.0.1:9",
        },
        limits=_LIMITS,
    )
    daemon = sandbox.start(command, folder / "moto.log")
    try:
        _await(daemon, cancel)
        return Moto(daemon, sockets, record)
    except BaseException:
        daemon.stop()
        sockets.remove()
        raise


def _await(daemon: Daemon, cancel: CancelToken) -> None:
    deadline = time.monotonic() + START_SECONDS
    while daemon.alive and time.monotonic() < deadline:
        if _READY in daemon.log.read_text("utf-8", "replace").splitlines():
            return
        cancel.wait(0.05)
    last = daemon.log.read_text("utf-8", "replace").strip().splitlines()[-5:]
    raise RuntimeError(f"moto did not start: {' | '.join(last) or 'it said nothing'}")


class _Recording:
    """A WSGI application that keeps a record of what the one inside it could not do.

    moto answers 500 to 599 where it does not know a function of a service, or breaks. Whoever wants
    to know asks this record, not what a client makes of the answer. What steers moto itself
    (`/moto-api/reset`, which an object called `reset` in a bucket `moto-api` would reach) is shut.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], record: Path) -> None:
        self._app = app
        self._record = record
        self._lock = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        def start(status: str, *more: Any) -> Any:
            if status.startswith("5"):
                self._note(environ, status)
            return start_response(status, *more)

        path = "/" + environ.get("PATH_INFO", "").lstrip("/")
        if path.startswith(_ALIVE.rstrip("/")) and path != _ALIVE:
            # To the work this is a bucket of somebody else's.
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"AccessDenied"]
        try:
            return self._app(environ, start)
        except Exception as error:
            self._note(environ, type(error).__name__)
            raise

    def _note(self, environ: dict[str, Any], status: str) -> None:
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
        service = scope[3] if len(scope) > 3 else "?"
        action = environ.get("HTTP_X_AMZ_TARGET") or (
            f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
            f"?{environ.get('QUERY_STRING', '')}"
        )
        line = " ".join(f"{service}: {action}: {status}".split())[:300]
        with self._lock, self._record.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def serve(address: str, record: Path) -> None:
    """Serve on a socket until killed; say so once it is bound."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(f"unix://{address}", 0, verbose=False)
    server.start()
    inner = server._server  # noqa: SLF001 -- moto gives no other way to it
    if inner is None:
        raise RuntimeError("moto did not start a server")
    inner.app = _Recording(inner.app, record)
    print(_READY, flush=True)  # noqa: T201 -- this is the protocol
    threading.Event().wait()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
