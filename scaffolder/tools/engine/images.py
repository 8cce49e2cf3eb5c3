"""Look into images: their configuration, their history, and the files of their layers."""

from __future__ import annotations

import contextlib
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from scaffolder.core.errors import UnavailableError, WorkFaultError
from scaffolder.tools.engine.connection import Engine, translate_engine_errors
from scaffolder.tools.processes import CancelToken

# More than this no image of use holds, and a hostile one would fill the memory.
MOST_FILES = 300_000
_CHUNK = 1024 * 1024
_LARGEST = 4 * 1024**3
# What builders add to an instruction in an image's history.
_INSTRUCTION = re.compile(r"^/bin/sh -c #\(nop\) +| # buildkit$")


@dataclass(frozen=True)
class Image:
    """What the engine says about an image.

    `diff_ids` are the digests of its layers' contents, lowest first; `config` is its run
    configuration (Env, Labels, Cmd, Healthcheck ...) and `size` its bytes, all layers together;
    `digests` are the names by which a registry knows it.
    """

    id: str
    diff_ids: tuple[str, ...]
    config: Mapping[str, Any]
    size: int
    history: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


def inspect_image(engine: Engine, name: str, *, history: bool = False) -> Image | None:
    """Return the image of this name or id, or None where the engine has none."""
    from docker.errors import ImageNotFound  # slow to import

    with translate_engine_errors():
        try:
            raw = engine.api.inspect_image(name)
        except ImageNotFound:
            return None
        lines = engine.api.history(raw["Id"]) if history else []
    return Image(
        id=raw["Id"],
        diff_ids=tuple(raw.get("RootFS", {}).get("Layers") or ()),
        config=raw.get("Config") or {},
        size=raw.get("Size", 0),
        history=tuple(f"{line.get('CreatedBy', '')} {line.get('Comment', '')}" for line in lines),
        digests=tuple(raw.get("RepoDigests") or ()),
    )


def inspect_used_images(engine: Engine, names: Iterable[str]) -> dict[str, Image | None]:
    """Return the images of these names that a build used; None where the engine does not show one.

    BuildKit keeps what it fetched to itself: such an image is pulled, which moves no layer a second
    time.
    """
    return {name: inspect_image(engine, name) or _pulled(engine, name) for name in names}


def find_base(image: Image, used: Mapping[str, Image | None]) -> tuple[str, Image] | None:
    """Return the image that `image` was built on, by name, among those that its build used.

    That is the one with the most layers whose layers are the first ones of `image`. None where none
    fits: FROM scratch, or a base that the engine does not show.
    """
    fitting = [
        (name, base)
        for name, base in used.items()
        if base and base.diff_ids and image.diff_ids[: len(base.diff_ids)] == base.diff_ids
    ]
    return max(fitting, key=lambda item: len(item[1].diff_ids), default=None)


def _pulled(engine: Engine, name: str) -> Image | None:
    from docker.errors import DockerException

    try:
        with translate_engine_errors():
            # The SDK takes the name apart: registry with its port, tag, digest.
            engine.api.pull(name)
    except (DockerException, UnavailableError):
        return None
    return inspect_image(engine, name)


@dataclass(frozen=True)
class LayerEntry:
    """One file, folder or link in a layer. `link` is where a link leads."""

    path: str
    size: int
    is_file: bool
    link: str
    _tar: tarfile.TarFile
    _member: tarfile.TarInfo

    @property
    def mode(self) -> int:
        return self._member.mode

    @property
    def uid(self) -> int:
        """The number of its owner."""
        return self._member.uid

    @property
    def is_folder(self) -> bool:
        return self._member.isdir()

    @property
    def is_hard_link(self) -> bool:
        """Whether it is another name of a file of the same layer."""
        return self._member.islnk()

    def read(self, limit: int) -> bytes:
        """Return at most `limit` bytes of a regular file."""
        source = self._source()
        return source.read(limit) if source else b""

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of a regular file, a megabyte at a time."""
        source = self._source()
        while source and (chunk := source.read(_CHUNK)):
            yield chunk

    def _source(self) -> IO[bytes] | None:
        if not (self.is_file or self.is_hard_link):
            return None
        try:
            return self._tar.extractfile(self._member)
        except KeyError:
            # The file that it is another name of lies in no layer of the image.
            return None


@dataclass(frozen=True)
class Layer:
    """One layer of a saved image; `made_by` is the instruction, as far as the builder tells."""

    diff_id: str
    _archive: Path
    _name: str
    made_by: str = ""

    @cached_property
    def _members(self) -> tuple[tarfile.TarInfo, ...]:
        """What the layer lists; to read the list takes longer than the files that one looks at."""
        with self._opened() as inner:
            return tuple(_bounded(inner)) if inner else ()

    def entries(self) -> Iterator[LayerEntry]:
        """Yield what the layer adds or removes, in its own order.

        Raises WorkFaultError for more entries than an image of use has.
        """
        members = self._members
        with self._opened() as inner:
            if inner is None:
                return
            for member in members:
                yield LayerEntry(
                    path=member.name.removeprefix("./"),
                    size=member.size,
                    is_file=member.isreg(),
                    link=member.linkname,
                    _tar=inner,
                    _member=member,
                )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile | None]:
        with tarfile.open(self._archive) as outer:
            blob: IO[bytes] | None = outer.extractfile(self._name)
            if blob is None:
                yield None
                return
            with tarfile.open(fileobj=blob) as inner:
                yield inner


def _bounded(inner: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(inner):
        if number >= MOST_FILES:
            raise WorkFaultError(f"a layer of the image holds more than {MOST_FILES} files")
        yield member


def save_layers(
    engine: Engine, image: Image, archive: Path, cancel: CancelToken
) -> tuple[Layer, ...]:
    """Save `image` to the new file `archive` and return its layers, lowest first.

    The layers read from that file, so it must stay. Links and whiteouts are entries as any other;
    nothing is unpacked to the disk. Raises WorkFaultError where it is too large to be saved.
    """
    if image.size > _LARGEST:
        raise WorkFaultError(
            f"the image, or one of its stages, is {image.size / 1e9:.1f} GB large; at most"
            f" {_LARGEST / 1e9:.1f} GB are looked at"
        )
    with translate_engine_errors(), archive.open("wb") as file:
        for chunk in engine.api.get_image(image.id, chunk_size=_CHUNK):
            cancel.raise_if_cancelled()
            file.write(chunk)
    with tarfile.open(archive) as outer:
        manifest = json.loads(_member(outer, "manifest.json"))[0]
        history = json.loads(_member(outer, manifest["Config"])).get("history") or []
    made = [str(one.get("created_by", "")) for one in history if not one.get("empty_layer")]
    made = made if len(made) == len(image.diff_ids) else [""] * len(image.diff_ids)
    return tuple(
        Layer(diff_id, archive, name, _INSTRUCTION.sub("", said))
        for diff_id, name, said in zip(image.diff_ids, manifest["Layers"], made, strict=True)
    )


def _member(outer: tarfile.TarFile, name: str) -> bytes:
    source = outer.extractfile(name)
    return source.read() if source else b""
