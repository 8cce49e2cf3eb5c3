"""The Python distributions that are installed in an image: what their own records prove."""

from __future__ import annotations

import base64
import csv
import email.parser
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaffolder.tools.engine.filesystem import FileSystem

_METADATA = re.compile(r"\.(?:dist-info/METADATA|egg-info/PKG-INFO)$")
_LIMIT = 4 * 1024 * 1024
_MODULE = (".py", ".so", ".pyd")


@dataclass(frozen=True)
class Distribution:
    """A distribution in an image: its name and version by its METADATA, and its folder.

    `intact` tells whether its RECORD is there and the modules that it lists are, with just these
    contents; most of them at least, for some people leave tests out. `files` are the paths that the
    RECORD lists, `layer` is the one that METADATA lies in.
    """

    name: str
    version: str
    folder: str
    intact: bool
    files: tuple[str, ...]
    layer: int


def normalize_distribution(distribution: str) -> str:
    """Return the name of a Python distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def list_distributions(system: FileSystem) -> list[Distribution]:
    """Return every distribution that the image has a METADATA of, by its folder."""
    told = [path for path in system.files if _METADATA.search(path)]
    records = [posixpath.join(posixpath.dirname(path), "RECORD") for path in told]
    texts = system.read([*told, *records], _LIMIT)
    rows = {path: _rows(path, texts[path]) for path in records if path in texts}
    wanted = {
        file for listed in rows.values() for file, digest in listed if _is_module(file, digest)
    }
    digests = system.digests(wanted)
    found = []
    for path, record in zip(told, records, strict=True):
        headers = email.parser.HeaderParser().parsestr(
            texts.get(path, b"").decode("utf-8", "replace")
        )
        folder = posixpath.dirname(path)
        listed = rows.get(record, [])
        found.append(
            Distribution(
                name=normalize_distribution(str(headers.get("Name", "")).strip())
                or _name_of(folder),
                version=str(headers.get("Version", "")).strip(),
                folder=folder,
                intact=_is_intact(listed, digests),
                files=tuple(file for file, _ in listed),
                layer=system.files[path].layer,
            )
        )
    return sorted(found, key=lambda one: one.folder)


def _name_of(folder: str) -> str:
    return normalize_distribution(posixpath.basename(folder).partition("-")[0])


def _rows(record: str, text: bytes) -> list[tuple[str, str]]:
    """Return the files that a RECORD lists, as paths in the image, each with its digest."""
    site = posixpath.dirname(posixpath.dirname(record))
    try:
        rows = list(csv.reader(text.decode("utf-8", "replace").replace("\0", "").splitlines()))
    except csv.Error:
        return []
    return [
        (posixpath.normpath(posixpath.join(site, row[0])), row[1] if len(row) > 1 else "")
        for row in rows
        if row and row[0]
    ]


def _is_module(file: str, digest: str) -> bool:
    return digest.startswith("sha256=") and file.endswith(_MODULE)


def _is_intact(listed: Sequence[tuple[str, str]], digests: Mapping[str, bytes]) -> bool:
    modules = [(file, digest) for file, digest in listed if _is_module(file, digest)]
    there = [(file, digest) for file, digest in modules if file in digests]
    as_told = all(_in_record(digests[file]) == digest for file, digest in there)
    return as_told and bool(there) and 2 * len(there) >= len(modules)


def _in_record(digest: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
