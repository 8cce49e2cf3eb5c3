"""The files of an image as a container of it would see them, read from its layers.

Nothing of the image runs for it, so nothing of it can say what is not so.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scaffolder.core.errors import WorkFaultError
from scaffolder.tools.engine.images import MOST_FILES, Layer, LayerEntry
from scaffolder.tools.processes import CancelToken

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class File:
    """One file, folder or link. `layer` counts from 0, the lowest; `link` is where a link leads.

    `mode` holds the permissions, `uid` the owner.
    """

    path: str
    kind: Literal["file", "folder", "link", "other"]
    mode: int
    uid: int
    size: int
    link: str
    layer: int

    @property
    def executable(self) -> bool:
        """Whether somebody may run it."""
        return self.kind == "file" and bool(self.mode & 0o111)


@dataclass(frozen=True)
class FileSystem:
    """What some layers, one on the other, come to; paths begin with a slash.

    A name that is no text is shown with escapes, and known by that.
    """

    layers: Sequence[Layer]
    files: dict[str, File] = field(default_factory=dict)
    # What lies directly in each folder: a layer may remove as many files as there are.
    _inside: dict[str, set[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, layers: Sequence[Layer], cancel: CancelToken) -> FileSystem:
        """Lay the layers over each other; raises WorkFaultError for too many files."""
        made = cls(tuple(layers))
        for number, layer in enumerate(layers):
            made._lay(number, layer, cancel)
        return made

    def _lay(self, number: int, layer: Layer, cancel: CancelToken) -> None:
        added: dict[str, File] = {}
        for entry in layer.entries():
            cancel.raise_if_cancelled()
            path = format_path(entry.path)
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                self._remove_below(folder)
            elif name.startswith(_WHITEOUT):
                self._remove(f"{folder}/{name.removeprefix(_WHITEOUT)}")
            else:
                added[path] = _file(path, entry, number)
            if len(self.files) + len(added) > MOST_FILES:
                raise WorkFaultError(f"the image holds more than {MOST_FILES} files")
        for path, file in added.items():
            before = self.files.get(path)
            if before and before.kind == "folder" and file.kind != "folder":
                self._remove_below(path)
            self._add(path, file)

    def _add(self, path: str, file: File) -> None:
        self.files[path] = file
        while path != "/" and path not in self._inside.setdefault(posixpath.dirname(path), set()):
            self._inside[posixpath.dirname(path)].add(path)
            path = posixpath.dirname(path)

    def _remove(self, path: str) -> None:
        self.files.pop(path, None)
        self._remove_below(path)

    def _remove_below(self, folder: str) -> None:
        emptied = [folder or "/"]
        while emptied:
            for path in self._inside.pop(emptied.pop(), ()):
                self.files.pop(path, None)
                emptied.append(path)

    def read(self, paths: Collection[str], limit: int) -> dict[str, bytes]:
        """Return the first bytes, at most `limit`, of those of the files that are regular."""
        return {path: entry.read(limit) for path, entry in self._open(paths)}

    def digests(self, paths: Collection[str]) -> dict[str, bytes]:
        """Return the SHA-256 of those of the files that are regular."""
        found = {}
        for path, entry in self._open(paths):
            sum_of = hashlib.sha256()
            for chunk in entry.chunks():
                sum_of.update(chunk)
            found[path] = sum_of.digest()
        return found

    def _open(self, paths: Collection[str]) -> Iterator[tuple[str, LayerEntry]]:
        """Yield the entries of regular files; each layer is read once, from end to end."""
        wanted: dict[int, set[str]] = {}
        for path in paths:
            file = self.files.get(path)
            if file and file.kind == "file":
                wanted.setdefault(file.layer, set()).add(path)
        for number, names in sorted(wanted.items()):
            for entry in self.layers[number].entries():
                if (path := format_path(entry.path)) in names:
                    yield path, entry


def format_path(path: str) -> str:
    """Return the name of an entry as an absolute path that is text."""
    plain = os.fsencode(path).decode("utf-8", "backslashreplace")
    return posixpath.normpath(f"/{plain}")


def _file(path: str, entry: LayerEntry, layer: int) -> File:
    kind: Literal["file", "folder", "link", "other"] = "other"
    if entry.is_file or entry.is_hard_link:
        kind = "file"
    elif entry.is_folder:
        kind = "folder"
    elif entry.link:
        kind = "link"
    return File(
        path=path,
        kind=kind,
        mode=entry.mode,
        uid=entry.uid,
        size=entry.size,
        link=entry.link if kind == "link" else "",
        layer=layer,
    )
