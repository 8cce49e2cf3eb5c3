"""What is wrong with the files of a lab's overlays as files: links, size, modes, rubbish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scaffolder.labs.packs.description import is_id
from scaffolder.model import Problem
from scaffolder.workspace import IGNORED

_OVERLAYS = ("start", "solution", "alternatives")
_LARGE = 1024 * 1024
_RUBBISH = (IGNORED - {".devlab"}) | {".DS_Store", "Thumbs.db"}


def find_problems(root: Path) -> Iterator[Problem]:
    """Look at the folder's name and at every file of the overlays."""
    if not is_id(root.name):
        yield Problem(
            f"the folder's name, {root.name!r}, is the lab's id, and an id is made of lower-case "
            "letters and digits, joined by hyphens",
            hint="rename the folder, e.g. slim-image",
        )
    for name in _OVERLAYS:
        for path in sorted((root / name).rglob("*")):
            yield from _of_file(path, path.relative_to(root).as_posix())
    for path in sorted((root / "alternatives").glob("*")):
        if not path.is_dir():
            yield Problem(
                "an alternative is a folder: an overlay on the start",
                path.relative_to(root).as_posix(),
            )


def _of_file(path: Path, shown: str) -> Iterator[Problem]:
    if path.name in _RUBBISH:
        yield Problem(f"{path.name} is made by a tool and no part of an answer", shown)
    elif path.is_symlink():
        yield Problem(
            "is a link; not every file system and archive keeps them",
            shown,
            hint="put the file itself here",
        )
    elif path.is_dir():
        return
    elif not path.is_file():
        yield Problem("is neither a file nor a folder", shown)
    elif path.stat().st_size > _LARGE:
        size = path.stat().st_size / _LARGE
        yield Problem(f"is {size:.1f} MB large; a file of a lab has at most 1 MB", shown)
    elif path.stat().st_mode & 0o111 and not path.read_bytes().startswith(b"#!"):
        yield Problem(
            "is executable, but does not begin with #!",
            shown,
            hint=f"chmod -x {shown}   or name the program that runs it in its first line",
        )
