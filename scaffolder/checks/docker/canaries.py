"""Things planted in a build context that no image should hold, and how to know them again.

The learner's own .git, environments and secrets never come near a check: snapshots leave them
out. So a build gets look-alikes, each with an unguessable token inside, and whatever way one of
them took into the image (copied, renamed, packed, deleted in a later layer), its token tells.
"""

from __future__ import annotations

import base64
import bz2
import contextlib
import hashlib
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.checks.docker.lookalikes import SECRET, SECRET_PLACE, draw_tokens, make_lookalikes
from scaffolder.core.disguises import list_disguises
from scaffolder.core.errors import UnusableFileError, WorkFaultError
from scaffolder.workspace import resolve_inside

_UNPACK_LIMIT = 32 * 1024 * 1024
_UNPACK_IN_ALL = 512 * 1024 * 1024
# What it costs to begin, in bytes that could be unfolded meanwhile.
_UNPACK_COST = 8 * 1024
_OVERLAP = 128
# Base64 of the first bytes of gzip, zip, bzip2 and xz, and of plain text that it breaks into lines.
_PACKED_IN_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{60,}={0,2}[\r\n]*|H4sI|UEsDB|Qlpo|/Td6WFo")


class Unpacked:
    """How many bytes of an image's packed files may still be unfolded."""

    def __init__(self, left: int = _UNPACK_IN_ALL) -> None:
        self._left = left

    def note(self, size: int) -> None:
        """Count what was unfolded; raises WorkFaultError beyond the bound."""
        self._left -= size + _UNPACK_COST
        if self._left < 0:
            raise WorkFaultError(
                "what is packed in the image's files unfolds to more than"
                f" {_UNPACK_IN_ALL // 2**20} MB: nobody can look through it for a secret",
                hint="an image needs few archives: unpack what it needs, leave out the rest",
            )


@dataclass(frozen=True)
class Canaries:
    """The tokens of one run, by what each stands for, and the learner's tests.

    `tests` are the digests of these, by their size.
    """

    tokens: Mapping[str, str] = field(default_factory=draw_tokens)
    tests: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def token(self, kind: str) -> str:
        """Return the token that was planted for `kind`."""
        return self.tokens[kind]

    def in_bytes(self, data: bytes) -> set[str]:
        """Return what `data` gives away: plainly, and the secret also disguised."""
        found = {kind for kind in self.tokens if self._is_in(kind, data)}
        if any(needle in data for needle in list_disguises(self.token(SECRET))):
            found.add(SECRET)
        return found

    def _is_in(self, kind: str, data: bytes) -> bool:
        return self.token(kind).encode() in data

    def in_file(self, chunks: Iterator[bytes], unpacked: Unpacked | None = None) -> set[str]:
        """Return what a file gives away, also where it is packed, twice at most.

        Raises WorkFaultError where more is packed than `unpacked` allows.
        """
        found: set[str] = set()
        tail = b""
        head = b""
        for chunk in chunks:
            found |= self.in_bytes(tail + chunk)
            tail = chunk[-_OVERLAP:]
            if len(head) < _UNPACK_LIMIT and (not head or _unpacker(head)):
                head += chunk
        return found | self._in_packed(head, 2, unpacked or Unpacked())

    def _in_packed(self, data: bytes, depth: int, unpacked: Unpacked) -> set[str]:
        unpack = _unpacker(data)
        if unpack is None or depth == 0:
            return set()
        inside = unpack(data)
        unpacked.note(len(inside))
        return self.in_bytes(inside) | self._in_packed(inside, depth - 1, unpacked)


def plant_canaries(folder: Path) -> Canaries:
    """Plant everything in a build context; the learner's files there stay as they are.

    A place that the learner's work does not let us have (a link, a file where a folder should be)
    is left out.
    """
    tests: dict[int, set[str]] = {}
    for size, digest in _digests(folder / "tests"):
        tests.setdefault(size, set()).add(digest)
    canaries = Canaries(tests={size: frozenset(known) for size, known in tests.items()})
    for path, content in make_lookalikes(folder, canaries.tokens).items():
        _write(folder, path, content)
    return canaries


def _digests(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield size and digest of the tests that the learner has: no image should hold these."""
    if folder.is_symlink():
        return
    for path in folder.rglob("*.py"):
        if path.is_file() and not path.is_symlink() and len(content := path.read_bytes()) > 40:
            yield len(content), hashlib.sha256(content).hexdigest()


def _write(folder: Path, relative: str, content: bytes) -> None:
    try:
        path = resolve_inside(folder, relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        adds = relative == SECRET_PLACE and path.exists()
        with path.open("ab" if adds else "wb") as file:
            file.write(b"\n" + content if adds else content)
    except (OSError, UnusableFileError):
        return


def _unpacker(head: bytes) -> Callable[[bytes], bytes] | None:
    """Return what undoes the packing that a file's first bytes tell, if it is packed."""
    for magic, unpack in (
        (b"\x1f\x8b", _gunzip),
        (b"PK\x03\x04", _unzip),
        (b"BZh", _bunzip),
        (b"\xfd7zXZ", _unxz),
        *((bytes([0x78, level]), _inflate) for level in (0x01, 0x5E, 0x9C, 0xDA)),
    ):
        if head.startswith(magic):
            return unpack
    return _unbase64 if _PACKED_IN_BASE64.match(head[:80]) else None


def _unbase64(data: bytes) -> bytes:
    text = b"".join(data.split())
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except ValueError:
        return b""


def _gunzip(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _UNPACK_LIMIT)
    except zlib.error:
        return b""


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _UNPACK_LIMIT)
    except zlib.error:
        return b""


def _bunzip(data: bytes) -> bytes:
    try:
        return bz2.BZ2Decompressor().decompress(data, _UNPACK_LIMIT)
    except OSError:
        return b""


def _unxz(data: bytes) -> bytes:
    try:
        return lzma.LZMADecompressor(memlimit=256 * 2**20).decompress(data, _UNPACK_LIMIT)
    except lzma.LZMAError:
        return b""


def _unzip(data: bytes) -> bytes:
    parts: list[bytes] = []
    left = _UNPACK_LIMIT
    # What a broken archive raises is any of a dozen errors, of the decompressors and of Python's.
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        for item in archive.infolist():
            # One broken member hides no other.
            with contextlib.suppress(Exception), archive.open(item) as member:
                parts.append(member.read(left))
                left -= len(parts[-1])
            if left <= 0:
                break
    return b"".join(parts)
