"""What may be said on the line of a rehearsal: typed, and no longer than any pipeline needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Annotated

import msgspec

HEADER = 64 * 1024
# Many files have many names.
_UPLOAD_HEADER = 2 * 1024 * 1024
_UPLOAD = b'{"what": "upload"'

_Word = Annotated[str, msgspec.Meta(max_length=200)]
_Path = Annotated[str, msgspec.Meta(max_length=4096)]
_Minor = Annotated[int, msgspec.Meta(ge=0, le=99)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Message(msgspec.Struct, tag_field="what", frozen=True, kw_only=True):
    job: _Word = ""


class Test(_Message, tag="test", frozen=True, kw_only=True):
    """A planted test runs: its own word of its Python, and of its job."""

    __test__ = False

    python: tuple[_Minor, _Minor] | None = None


class Lacking(_Message, tag="lacking", frozen=True, kw_only=True):
    """A step asks for what nothing plays here."""

    name: str
    step: _Word = ""


class Unreachable(_Message, tag="unreachable", frozen=True, kw_only=True):
    """A step tried to reach the network."""

    step: _Word = ""


class Python(_Message, tag="python", frozen=True, kw_only=True):
    """A Python was asked for; at `place`, or under that name, another one may play it."""

    place: _Path
    minor: _Minor


class UploadedFile(msgspec.Struct, frozen=True):
    """A file that is going to be sent."""

    path: _Path
    size: _Size


class Upload(_Message, tag="upload", frozen=True, kw_only=True):
    """Files are kept as an artifact."""

    name: _Path
    files: list[UploadedFile]
    overwrite: bool = False


class FetchedFile(_Message, tag="download", frozen=True, kw_only=True):
    """Artifacts are asked for by their name or a pattern."""

    pattern: _Path
    exact: bool


Message = Test | Lacking | Unreachable | Python | Upload | FetchedFile


def read(file: IO[bytes], take: Callable[[int], bool]) -> Message:
    """Return the message that a line is; raises ValueError or RecursionError where it is none.

    `take` is told how much was read, and whether there is room for it is its answer.
    """
    line = file.readline(HEADER)
    if line.startswith(_UPLOAD) and not line.endswith(b"\n"):
        line += file.readline(_UPLOAD_HEADER)
    if not take(len(line)) or not line.endswith(b"\n"):
        raise ValueError("no message, or one too many")
    # Python's own reader: names of files need not be text.
    return msgspec.convert(json.loads(line), Message)  # type: ignore[no-any-return]
