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
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffolder.errors import UnusableFileError
from scaffolder.workspace import resolve_inside

# Where each look-alike lies, by what it stands for. A folder of the learner's with the same name
# keeps all that is in it.
PLACES = {
    "version control": (".git/description",),
    "virtual environment": (".venv/pyvenv.cfg", ".venv/lib/python3/site-packages/planted.py"),
    "cache": (
        "__pycache__/planted.cpython-313.pyc",
        "app/__pycache__/planted.cpython-313.pyc",
        ".pytest_cache/planted",
        ".ruff_cache/planted",
    ),
    "tests": ("tests/planted.txt",),
}
SECRET = "secret"  # noqa: S105
SECRET_PLACE = ".env"  # noqa: S105
_GIT = {
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
    ".git/objects/info/planted": "",
    ".git/refs/heads/planted": "",
}
_UNPACK_LIMIT = 32 * 1024 * 1024
_OVERLAP = 128
# Base64 of the first bytes of gzip, zip, bzip2 and xz, and of plain text that it breaks into lines.
_PACKED_IN_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{60,}={0,2}[\r\n]*|H4sI|UEsDB|Qlpo|/Td6WFo")


@dataclass(frozen=True)
class Canaries:
    """The tokens of one run. A token is the stem and the number of what it stands for."""

    stem: str
    tests: frozenset[str] = frozenset()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the tokens stand for, in the order of their numbers."""
        return (*PLACES, SECRET)

    def token(self, kind: str) -> str:
        """Return the token that was planted for `kind`."""
        return f"{self.stem}{self.kinds.index(kind)}"

    def in_bytes(self, data: bytes) -> set[str]:
        """Return what `data` gives away: plainly, and the secret also in base64 or hexadecimal."""
        found = {kind for kind in self.kinds if self._is_in(kind, data)}
        if any(needle in data for needle in _disguises(self.token(SECRET))):
            found.add(SECRET)
        return found

    def _is_in(self, kind: str, data: bytes) -> bool:
        return self.token(kind).encode() in data

    def in_file(self, chunks: Iterator[bytes]) -> set[str]:
        """Return what a file gives away, also where it is packed, twice at most."""
        found: set[str] = set()
        tail = b""
        head = b""
        for chunk in chunks:
            found |= self.in_bytes(tail + chunk)
            tail = chunk[-_OVERLAP:]
            if len(head) < _UNPACK_LIMIT and (not head or _unpacker(head)):
                head += chunk
        return found | self._in_packed(head, depth=2)

    def _in_packed(self, data: bytes, depth: int) -> set[str]:
        unpack = _unpacker(data)
        if unpack is None or depth == 0:
            return set()
        inside = unpack(data)
        return self.in_bytes(inside) | self._in_packed(inside, depth - 1)


def plant(folder: Path) -> Canaries:
    """Plant everything in a build context; the learner's files there stay as they are.

    A place that the learner's work does not let us have (a link, a file where a folder should be)
    is left out.
    """
    tests = frozenset(_digests(folder / "tests"))
    canaries = Canaries(f"dv{secrets.token_hex(14)}x", tests)
    for path, text in _GIT.items():
        _write(folder, path, text)
    for kind, paths in PLACES.items():
        for path in paths:
            _write(folder, path, f"home = {canaries.token(kind)}\n")
    _write(folder, SECRET_PLACE, f"API_TOKEN={canaries.token(SECRET)}\n", append=True)
    return canaries


def _digests(folder: Path) -> Iterator[str]:
    """Yield the digests of the tests that the learner has: no image should hold these either."""
    if folder.is_symlink():
        return
    for path in folder.rglob("*.py"):
        if path.is_file() and not path.is_symlink() and len(content := path.read_bytes()) > 40:
            yield hashlib.sha256(content).hexdigest()


def _write(folder: Path, relative: str, text: str, *, append: bool = False) -> None:
    try:
        path = resolve_inside(folder, relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.write(f"\n{text}" if append else text)
    except (OSError, UnusableFileError):
        return


def _disguises(token: str) -> tuple[bytes, ...]:
    """Return what `base64`, wherever it begins, and `xxd -p` make of a token."""
    raw = token.encode()
    shifted = (base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3))
    return (*shifted, raw.hex().encode())


def _unpacker(head: bytes) -> Callable[[bytes], bytes] | None:
    """Return what undoes the packing that a file's first bytes tell, if it is packed."""
    for magic, unpack in (
        (b"\x1f\x8b", _gunzip),
        (b"PK\x03\x04", _unzip),
        (b"BZh", _bunzip),
        (b"\xfd7zXZ", _unxz),
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
