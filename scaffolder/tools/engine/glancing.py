"""A quick look at the engine: its version and its images, without the SDK that takes 0.2 s to load.

What a check does with the engine goes through the SDK; this only tells whether what was seen before
can still be relied on.
"""

from __future__ import annotations

import contextlib
import http
import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine.connection import connect, find_endpoint

_ANSWER_SECONDS = 5.0
_ANSWER_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True)
class Glance:
    """What an engine says: which one it is, in one line, and the id of each image by its names."""

    version: str
    images: Mapping[str, str]


def glance() -> Glance | None:
    """Return what the engine says of itself and its images; None where none answers."""
    address = find_endpoint()
    try:
        if urlsplit(address).scheme == "unix":
            version, images = _asked(urlsplit(address).path)
        else:
            api = connect().api
            version, images = api.version(), api.images()
        return Glance(_in_words(address, version), _by_name(images))
    except (UnavailableError, OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return None


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of to a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _asked(path: str) -> tuple[Any, Any]:
    with contextlib.closing(_UnixConnection(path)) as connection:
        return _get(connection, "/version"), _get(connection, "/images/json")


def _get(connection: http.client.HTTPConnection, what: str) -> Any:
    connection.request("GET", what)
    answer = connection.getresponse()
    body = answer.read(_ANSWER_LIMIT + 1)
    if answer.status != http.HTTPStatus.OK or len(body) > _ANSWER_LIMIT:
        raise ValueError(f"the engine answers {what} with {answer.status}, {len(body)} bytes")
    return json.loads(body)


def _in_words(address: str, version: Mapping[str, Any]) -> str:
    told = (version.get(name, "") for name in ("Version", "ApiVersion", "Os", "Arch", "BuildTime"))
    return " ".join([address, *map(str, told)])


def _by_name(images: Any) -> dict[str, str]:
    return {
        name: image["Id"]
        for image in images
        for name in [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
    }
