"""What a test can know of the learner's image, without asking anything that is in it."""

from __future__ import annotations

import base64
import fnmatch
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scaffolder.checks.pytest.runner.channel import Channel

_LINKS = 40
_READ_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class ImageFile:
    """A file in the image: `kind` is file, folder, link or other; `base` whether its base has it.

    `executable` tells whether somebody may run it; `link` is where a link leads.
    """

    path: str
    kind: str
    mode: int
    uid: int
    size: int
    link: str
    base: bool
    executable: bool


@dataclass(frozen=True)
class ImageDistribution:
    """A Python distribution in the image, by its METADATA in `folder`.

    `intact` tells whether its RECORD is there and lists the modules that are; `base` whether it
    comes with the base image.
    """

    name: str
    version: str
    folder: str
    intact: bool
    files: tuple[str, ...]
    base: bool


class ImageFixture:
    """The image of the learner's Dockerfile: `config` as Docker shows it, `size` in bytes.

    Its files are read from its layers, as they lie over each other: nothing of the image runs.
    """

    def __init__(self, channel: Channel) -> None:
        told = channel.call("image")
        self._channel = channel
        self.id: str = told["id"]
        self.config: Mapping[str, Any] = told["config"]
        self.size: int = told["size"]
        self.layers: int = told["layers"]

    @property
    def labels(self) -> Mapping[str, str]:
        """The image's labels."""
        return self.config.get("Labels") or {}

    @cached_property
    def files(self) -> Mapping[str, ImageFile]:
        """All files, folders and links by their paths."""
        return {row[0]: ImageFile(*row) for row in self._channel.call("image.files")}

    def glob(self, pattern: str) -> Iterator[ImageFile]:
        """Yield the files whose path fits a pattern, as of fnmatch: `*` stands for slashes too."""
        for path, file in self.files.items():
            if file.kind == "file" and fnmatch.fnmatchcase(path, pattern):
                yield file

    def resolve(self, path: str) -> ImageFile | None:
        """Return what a path leads to when links are followed; None where that is nothing."""
        found, rest, steps = "/", path.split("/"), 0
        while rest:
            part, *rest = rest
            if part in ("", "."):
                continue
            here = posixpath.normpath(posixpath.join(found, part))
            file = self.files.get(here)
            if file is not None and file.kind == "link":
                steps += 1
                if steps > _LINKS:
                    return None
                rest = [*file.link.split("/"), *rest]
                found = "/" if file.link.startswith("/") else found
            else:
                found = here
        return self.files.get(found)

    @cached_property
    def distributions(self) -> tuple[ImageDistribution, ...]:
        """All Python distributions that have a METADATA, wherever it lies."""
        told = self._channel.call("image.distributions")
        return tuple(ImageDistribution(**{**one, "files": tuple(one["files"])}) for one in told)

    def read(self, path: str, limit: int = _READ_LIMIT) -> bytes:
        """Return the first bytes of a regular file, at most `limit`; nothing of any other."""
        return self.read_all([path], limit).get(path, b"")

    def read_all(self, paths: Iterable[str], limit: int = _READ_LIMIT) -> Mapping[str, bytes]:
        """Return the first bytes of many files, which takes little longer than one."""
        told = self._channel.call("image.read", paths=list(paths), limit=limit)
        return {path: base64.b64decode(text) for path, text in told.items()}
