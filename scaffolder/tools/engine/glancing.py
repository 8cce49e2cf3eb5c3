"""A quick look at the engine: its version and its images, without the SDK that takes 0.2 s to load.

What a check does with the engine goes through the SDK; this only tells whether what was seen before
can still be relied on.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine.connection import connect, endpoint

_ANSWER_SECONDS = 5.0
_PIECE = 64 * 1024
_ANSWER_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True)
class Glance:
    """What an engine says: which one it is, in one line, and the id of each image by its names."""

    version: str
    images: Mapping[str, str]


def glance() -> Glance | None:
    """Return what the engine says of itself and its images; None where none answers."""
    address = endpoint()
    try:
        if urlsplit(address).scheme == "unix":
            version, images = _asked(urlsplit(address).path)
        else:
            api = connect().api
            version, images = api.version(), api.images()
        return Glance(_in_words(address, version), _by_name(images))
    except (UnavailableError, OSError, ValueError, TypeError, KeyError):
        return None


def _asked(path: str) -> tuple[Any, Any]:
    return _get(path, "/version"), _get(path, "/images/json")


def _get(path: str, what: str) -> Any:
    """Ask over a Unix socket; in HTTP/1.0 an answer ends where the connection does.

    http.client would do it too, and takes longer to load than the engine to answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(path)
        connection.sendall(f"GET {what} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(_PIECE):
            answer += piece
            if len(answer) > _ANSWER_LIMIT:
                raise ValueError(f"the engine answers {what} without end")
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    if status.split()[1:2] != [b"200"] or any(b"chunked" in line.lower() for line in headers):
        raise ValueError(f"the engine answers {what} with {status!r}")
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
