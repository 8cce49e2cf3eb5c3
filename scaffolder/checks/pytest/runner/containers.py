"""What a test can do with a running container: ask it, look into it, stop and start it."""

from __future__ import annotations

import contextlib
import http.client
import json
import shlex
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scaffolder.checks.pytest.runner.channel import Channel, WorkFailedError

_BODY_LIMIT = 1024 * 1024
_SHOWN = 300
_WORD = 60


@dataclass(frozen=True)
class CommandResult:
    """A command that came to its end."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(frozen=True)
class ContainerAnswer:
    """What a service answered; names of `headers` are in lower case."""

    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8; other bytes are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body's JSON; one that is none is the learner's fail."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise WorkFailedError(
                f"{self.asked} is answered with what is no JSON",
                ran=self.asked,
                expected="JSON",
                actual=self.text[:_SHOWN],
            ) from error


@dataclass
class Witness:
    """What was done last in a test, for the evidence of its failure."""

    ran: str = ""
    log: Callable[[], Sequence[str]] = tuple
    findings: list[dict[str, Any]] = field(default_factory=list)


@contextlib.contextmanager
def bound_time(seconds: float, connected: socket.socket) -> Iterator[None]:
    """End the block with TimeoutError after so many seconds, though each byte comes in time."""
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    alarm = threading.Timer(seconds, hang_up)
    alarm.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not late.is_set():
            raise
    finally:
        alarm.cancel()
    if late.is_set():
        raise TimeoutError(f"not whole after {seconds:g} s")


def _shown(argv: Sequence[str]) -> str:
    """Return a command as people type it; what they would not type is cut short."""
    short = (part if len(part) <= _WORD else f"{part[:_WORD]}…" for part in argv)
    return shlex.join(" ".join(part.split()) or part for part in short)


class ContainerFixture:
    """A container of the learner's image, started for one test and removed after it."""

    def __init__(self, channel: Channel, witness: Witness) -> None:
        self._channel = channel
        self._witness = witness
        self._number: int = channel.call("container.start")
        self._url = ""
        self._stopped = False

    @property
    def url(self) -> str:
        """Where the service answers, without a slash at the end; waits for its first answer."""
        if self._stopped:
            raise RuntimeError("the test stopped this container: start() it before asking it")
        if not self._url:
            self._url = str(self._do("await"))
        return self._url

    def get(self, path: str, *, timeout: float = 5) -> ContainerAnswer:
        """Send `GET path`."""
        return self.request("GET", path, timeout=timeout)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5,
    ) -> ContainerAnswer:
        """Send a request and return the answer, whatever its status; no answer is a fail.

        `body` is sent as JSON, bytes as they are; `timeout`, in seconds, bounds the whole answer.
        """
        asked = f"{method} {path}"
        address = urlsplit(self.url)
        self._witness.ran, self._witness.log = asked, self._last_lines
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout)
        sent = {"Connection": "close", **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.connect()
            with bound_time(timeout, connection.sock):
                connection.request(method, path, body, sent)
                answer = connection.getresponse()
                known = {name.lower(): value for name, value in answer.getheaders()}
                return ContainerAnswer(asked, answer.status, known, answer.read(_BODY_LIMIT))
        except (OSError, http.client.HTTPException) as error:
            raise self._unanswered(asked, error) from error
        finally:
            connection.close()

    def _unanswered(self, asked: str, error: Exception) -> WorkFailedError:
        return WorkFailedError(
            f"{asked} is not answered",
            ran=asked,
            expected="an answer",
            actual=f"{type(error).__name__}: {error}",
            log=self._last_lines(),
        )

    def logs(self, lines: int = 200) -> str:
        """Return the last lines that the container printed, on both streams."""
        return str(self._do("logs", lines=lines))

    def _last_lines(self) -> Sequence[str]:
        return self.logs(8).splitlines()

    def exec(self, argv: Sequence[str], *, timeout: float = 10) -> CommandResult:
        """Run a command in the container; one that does not end within `timeout` s is a fail."""
        answer = CommandResult(**self._do("exec", argv=list(map(str, argv)), timeout=timeout))
        self._witness.ran = f"docker exec CONTAINER {_shown(argv)}"
        self._witness.log = lambda: (answer.out + answer.err).splitlines()[-8:]
        return answer

    def stop(self, *, timeout: float = 10) -> int:
        """Stop it as `docker stop` does and return its exit code; killed after `timeout` s: 137."""
        self._url, self._stopped = "", True
        return int(self._do("stop", timeout=timeout))

    def start(self) -> None:
        """Start it again after it stopped: its files are still there, its port is another."""
        self._do("again")
        self._stopped = False

    def restart(self, *, timeout: float = 10) -> None:
        """Stop it and start it again."""
        self.stop(timeout=timeout)
        self.start()

    def remove(self) -> None:
        """Remove it; the fixture does so at the end of the test."""
        self._do("remove")

    def _do(self, what: str, **parameters: Any) -> Any:
        return self._channel.call(f"container.{what}", number=self._number, **parameters)
