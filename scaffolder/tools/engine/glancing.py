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
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine.connection import connect, find_endpoint

_ANSWER_SECONDS = 5.0
_ANSWER_LIMIT = 32 * 1024 * 1024


class Glance(msgspec.Struct, frozen=True):
    """What an engine says: which one it is, in one line, and the id of each image by its names."""

    version: str
    images: Mapping[str, str]


def glance() -> Glance | None:
    """Return what the engine says of itself and its images; None where none answers."""
    address = find_endpoint()
    try:
        if urlsplit(address).scheme == "unix":
            said, images = _ask_socket(urlsplit(address).path)
        else:
            said, images = _ask_anywhere()
        return Glance(f"{address} {said}", _by_name(images))
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


def _ask_socket(path: str) -> tuple[str, Any]:
    """Return which engine answers at a socket, and its images.

    It says which one it is with every answer; its own answer to that question takes ten times as
    long as its list of images, for it asks the programs that it is made of.
    """
    with contextlib.closing(_UnixConnection(path)) as connection:
        connection.request("GET", "/images/json")
        answer = connection.getresponse()
        body = answer.read(_ANSWER_LIMIT + 1)
        if answer.status != http.HTTPStatus.OK or len(body) > _ANSWER_LIMIT:
            raise ValueError(f"the engine answers with {answer.status}, {len(body)} bytes")
        said = [answer.headers[name] for name in ("Server", "Api-Version", "Ostype")]
        if not said[0]:
            raise ValueError("the engine does not say which one it is")
        return " ".join(map(str, said)), json.loads(body)


def _ask_anywhere() -> tuple[str, Any]:
    api = connect().api
    version = api.version()
    told = (version.get(name, "") for name in ("Version", "ApiVersion", "Os", "Arch", "BuildTime"))
    return " ".join(map(str, told)), api.images()


def _by_name(images: Any) -> dict[str, str]:
    return {
        name: image["Id"]
        for image in images
        for name in [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
    }
