"""What lies in a folder after a program ran in it, or in an archive: looked at, never unpacked.

Whoever made it may be hostile: links lead outside, pipes never end, a small archive unfolds to all
of the disk. What cannot be looked at in bounded time and space raises UnusableFileError.
"""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import hashlib
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from scaffolder.core.errors import UnusableFileError
from scaffolder.core.folders import UnboundedError, walk_folder
from scaffolder.workspace import escape_path, read_bytes, resolve_inside

# Bytes that are read of one file or archive, and that an archive may unfold to.
READ_LIMIT = 64 * 1024 * 1024
COUNT_LIMIT = 20_000
_CHUNK = 1024 * 1024
_MODE = 0o7777
_OPENERS: Mapping[bytes, Callable[[io.BytesIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(ValueError, RuntimeError, NotImplementedError, OverflowError, KeyError),
)

T = TypeVar("T")
Kind = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True)
class Item:
    """Something at a path: what it is, its permissions and size; `link` where a link leads there.

    `read` returns its content and raises UnusableFileError where that is none, or too large. A
    link is what it leads to; one that leads nowhere, or outside, is `broken`. Those of archives are
    not followed.
    """

    kind: Kind
    mode: int
    size: int
    read: Callable[[], bytes]
    link: str = ""
    broken: bool = False


Listing = Mapping[str, Item]


def list_folder(root: Path) -> Listing:
    """Return what lies in a folder, by path.

    Raises UnusableFileError where that has no bounds, or may not be looked at.
    """
    found: dict[str, Item] = {}
    try:
        for entry in walk_folder(root):
            relative = os.path.relpath(entry.path, root)
            found[escape_path(Path(relative))] = _look_at(root, relative)
            if len(found) > COUNT_LIMIT:
                raise UnusableFileError(f"holds more than {COUNT_LIMIT:,} files", "the folder")
    except UnboundedError as error:
        raise UnusableFileError(f"has no bounds: {error.what}", "the folder") from error
    except OSError as error:
        where = escape_path(Path(os.path.relpath(error.filename or root, root)))
        raise UnusableFileError(f"cannot be looked at: {error.strerror}", where) from error
    return found


def _look_at(root: Path, relative: str) -> Item:
    told = os.lstat(root / relative)
    link = ""
    if stat.S_ISLNK(told.st_mode):
        link = escape_path((root / relative).readlink())
        try:
            told = resolve_inside(root, relative).stat()
        except (OSError, UnusableFileError):
            return Item("link", 0, 0, _no_reader("link", relative), link, broken=True)
    kind: Kind = "other"
    if stat.S_ISREG(told.st_mode):
        kind = "file"
    elif stat.S_ISDIR(told.st_mode):
        kind = "folder"
    read = _reader(root, relative) if kind == "file" else _no_reader(kind, relative)
    return Item(kind, told.st_mode & _MODE, told.st_size, read, link)


def _reader(root: Path, relative: str) -> Callable[[], bytes]:
    return lambda: read_bytes(root, relative, READ_LIMIT)


def _no_reader(kind: Kind, name: str) -> Callable[[], bytes]:
    words = {"folder": "is a folder", "link": "is a link"}.get(kind, "is not a regular file")
    return lambda: _refuse(words, name)


def _refuse(words: str, name: str) -> bytes:
    raise UnusableFileError(words, escape_path(Path(name)))


@dataclass(frozen=True)
class Look:
    """What lay in a folder at one moment; the digests are of then, what is read is of now."""

    listing: Listing
    digests: Mapping[str, str]


def digest_listing(listing: Listing) -> Mapping[str, str]:
    """Return, for each path, a line that is another one when what is there is changed."""
    return {path: _digest(item) for path, item in listing.items()}


def _digest(item: Item) -> str:
    told = f"{item.kind} {item.mode:o} {item.link}"
    if item.kind != "file":
        return told
    try:
        return f"{told} {hashlib.sha256(item.read()).hexdigest()}"
    except UnusableFileError:
        return f"{told} {item.size}"


def select_paths(listing: Mapping[str, T], pattern: str) -> dict[str, T]:
    """Return what a pattern names: `*` within a name, `**` any folders; a path names itself.

    A last `**` names all that is in a folder, and not the folder.
    """
    if not any(sign in pattern for sign in "*?["):
        plain = pattern.rstrip("/")
        return {plain: listing[plain]} if plain in listing else {}
    parts = tuple(pattern.split("/"))
    return {path: item for path, item in listing.items() if _matches(parts, tuple(path.split("/")))}


def _matches(parts: tuple[str, ...], names: tuple[str, ...]) -> bool:
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return len(parts) == 1 or any(_matches(parts[1:], names[at:]) for at in range(len(names)))
    return fnmatch.fnmatchcase(names[0], parts[0]) and _matches(parts[1:], names[1:])


def list_archive(content: bytes, name: str) -> Listing:
    """Return what a tar or zip archive holds, by the members' names; nothing is unpacked.

    Raises UnusableFileError for what is no such archive, is broken, or unfolds to too much.
    """
    try:
        if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return dict(_list_zip(content, name))
        return dict(_list_tar(_unfold(content, name), name))
    except UnusableFileError:
        raise
    except _BROKEN as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise UnusableFileError(f"is no archive that can be read: {told}", name) from error


def _unfold(content: bytes, name: str) -> bytes:
    opener = next((one for sign, one in _OPENERS.items() if content.startswith(sign)), None)
    if opener is None:
        return content
    unfolded = io.BytesIO()
    with opener(io.BytesIO(content)) as stream:
        while chunk := stream.read(_CHUNK):
            unfolded.write(chunk)
            if unfolded.tell() > READ_LIMIT:
                raise UnusableFileError(f"unfolds to more than {READ_LIMIT // 2**20} MB", name)
    return unfolded.getvalue()


def _list_tar(content: bytes, name: str) -> Iterator[tuple[str, Item]]:
    archive = tarfile.open(fileobj=io.BytesIO(content), mode="r:")  # noqa: SIM115 -- members are read later
    for count, member in enumerate(archive):
        if count > COUNT_LIMIT:
            raise UnusableFileError(f"holds more than {COUNT_LIMIT:,} files", name)
        path = _plain_name(member.name)
        kind: Kind = "other"
        if member.isreg():
            kind = "file"
        elif member.isdir():
            kind = "folder"
        elif member.issym() or member.islnk():
            kind = "link"
        read = _tar_reader(archive, member, name) if kind == "file" else _no_reader(kind, path)
        if path:
            yield path, Item(kind, member.mode & _MODE, member.size, read, member.linkname)


def _tar_reader(
    archive: tarfile.TarFile, member: tarfile.TarInfo, name: str
) -> Callable[[], bytes]:
    def read() -> bytes:
        if member.size > READ_LIMIT:
            raise UnusableFileError(f"holds a file of {member.size:,} bytes", name)
        try:
            stream = archive.extractfile(member)
            return stream.read() if stream else b""
        except _BROKEN as error:
            raise UnusableFileError(f"is a broken archive: {error}", name) from error

    return read


def _list_zip(content: bytes, name: str) -> Iterator[tuple[str, Item]]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    members = archive.infolist()
    if len(members) > COUNT_LIMIT:
        raise UnusableFileError(f"holds more than {COUNT_LIMIT:,} files", name)
    if sum(member.file_size for member in members) > READ_LIMIT:
        raise UnusableFileError(f"unfolds to more than {READ_LIMIT // 2**20} MB", name)
    for member in members:
        mode = member.external_attr >> 16
        kind: Kind = "folder" if member.is_dir() else "link" if stat.S_ISLNK(mode) else "file"
        path = _plain_name(member.filename)
        read = _zip_reader(archive, member, name) if kind == "file" else _no_reader(kind, path)
        if path:
            yield path, Item(kind, mode & _MODE, member.file_size, read)


def _zip_reader(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str
) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with archive.open(member) as stream:
                # No more comes than was said before: what is claimed is held to.
                return stream.read(READ_LIMIT)
        except _BROKEN as error:
            raise UnusableFileError(f"is a broken archive: {error}", name) from error

    return read


def _plain_name(name: str) -> str:
    """Return a member's name as people write it; one that leads outside stays as it is."""
    return escape_path(Path(name.removeprefix("./").rstrip("/"))) if name.strip("./") else ""
