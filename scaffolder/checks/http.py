"""Ask a service over HTTP, and say in words how its answer differs from what a lab expects."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

_BODY_LIMIT = 1024 * 1024
_SHOWN = 300


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request of a lab and the answer that it expects.

    `body` is sent as JSON. `contains` is what the JSON of the answer must hold: of an object the
    keys named, of a list one element that fits. In `path`, `body` and `contains` `{token}` stands
    for a word and `{number}` for a number that nobody can know beforehand. `keep` gives names to
    what the answer has under some keys: `{item}` in a later request stands for it. A text that is
    such a name and nothing else stands for the value itself, also where that is a number.
    """

    path: str = "/"
    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    body: Any = None
    status: int = 200
    contains: Any = None
    keep: Mapping[str, str] = {}

    def __str__(self) -> str:
        shown = self.path if len(self.path) <= _SHOWN else f"{self.path[:_SHOWN]}..."
        return f"{self.method} {shown}"

    def filled(self, values: Mapping[str, Any]) -> Request:
        """Return the request with what stands between braces filled in."""
        return msgspec.structs.replace(
            self,
            # What a service named may be any text, and an address holds letters of ASCII alone.
            path=_filled_text(self.path, {name: _quoted(value) for name, value in values.items()}),
            body=_filled(self.body, values),
            contains=_filled(self.contains, values),
        )


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        name = value[1:-1] if value[:1] == "{" and value[-1:] == "}" else ""
        return values[name] if name in values else _filled_text(value, values)
    if isinstance(value, list):
        return [_filled(part, values) for part in value]
    if isinstance(value, dict):
        return {_filled_text(key, values): _filled(part, values) for key, part in value.items()}
    return value


def _quoted(value: Any) -> str:
    return urllib.parse.quote(str(value), safe="", errors="replace")


def _filled_text(text: str, values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    body: bytes

    def differs(self, request: Request) -> str:
        """Say how this is not what `request` expects; nothing where it is."""
        if self.status != request.status:
            return f"status {self.status}, not {request.status}: {self.shown}"
        if request.contains is None:
            return ""
        try:
            data = self._data()
        except ValueError:
            return f"no JSON: {self.shown}"
        if not _holds(data, request.contains):
            return f"{self.shown}, which does not hold {json.dumps(request.contains)}"
        return ""

    def kept(self, request: Request) -> dict[str, Any]:
        """Return what `request` keeps of an answer that is as it expects.

        Raises KeyError with the name of what the answer does not have.
        """
        if not request.keep:
            return {}
        try:
            data = self._data()
        except ValueError:
            data = None
        has = data if isinstance(data, dict) else {}
        return {name: has[key] for name, key in request.keep.items()}

    def _data(self) -> Any:
        """Return what the body holds as JSON; raises ValueError where it cannot be read."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    @property
    def shown(self) -> str:
        """The beginning of the body, for people."""
        return self.body[:_SHOWN].decode(errors="replace").strip()


def _holds(data: Any, wanted: Any) -> bool:
    """Whether JSON data holds what is wanted; see `Request.contains`."""
    if isinstance(wanted, dict):
        return isinstance(data, dict) and all(
            key in data and _holds(data[key], part) for key, part in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(data, list) and all(
            any(_holds(item, part) for item in data) for part in wanted
        )
    return type(data) is type(wanted) and bool(data == wanted)


def send_request(host: str, port: int, request: Request, timeout: float) -> Answer:
    """Send one request; raises OSError or HTTPException where no whole answer comes.

    `timeout` bounds, in seconds, all of it: an answer may come in drops and never end.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    body = None if request.body is None else json.dumps(request.body)
    headers = {"Connection": "close", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    deadline = time.monotonic() + timeout
    try:
        connection.connect()
        with _ended_at(deadline, connection.sock):
            connection.request(request.method, request.path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(_BODY_LIMIT))
    finally:
        connection.close()


@contextlib.contextmanager
def _ended_at(deadline: float, connection: socket.socket) -> Iterator[None]:
    """End a connection at a time of `time.monotonic`, and raise TimeoutError for what follows.

    The connection's own time-out begins anew with every byte that comes.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError("no whole answer in time") from error
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError("no whole answer in time")
