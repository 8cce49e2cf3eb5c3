"""Files that a check gives a program before it runs, of the lab's `fixtures/` or as they stand."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.expectations.draws import EACH, Count
from scaffolder.checks.expectations.files import Mode
from scaffolder.core.errors import DevlabError
from scaffolder.workspace import resolve_inside

FIXTURES = "fixtures"
# Seconds, by the letter that stands behind a number.
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
Age = Annotated[str, Meta(pattern=r"^([0-9]+|\$\{\w+\})[smhd]?$")]
_EACH = f"${{{EACH}}}"
# What a lab gives a program is small beside what the program may write.
_FILES_LIMIT, _BYTES_LIMIT = 5_000, 64 * 1024 * 1024


class GivenFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that is there before the program runs, whatever stood at its place.

    One of `content`, a text; `file`, a file or folder of the lab's fixtures/; `folder: true`, an
    empty one. `mode` are the permissions, "0600". `age` is how long ago it was written: seconds,
    or a number with s, m, h or d behind it. `count` makes so many of it, and `repeat` writes the
    content so many times; ${i} is then the number, from 1. `append: true` adds to what is there.
    """

    path: Annotated[str, Meta(min_length=1)]
    content: str | UnsetType = UNSET
    file: Annotated[str, Meta(pattern=r"^fixtures/.")] | UnsetType = UNSET
    folder: bool = False
    mode: Mode | UnsetType = UNSET
    age: Annotated[int, Meta(ge=0)] | Age = 0
    count: Count | UnsetType = UNSET
    repeat: Count | UnsetType = UNSET
    append: bool = False

    def __post_init__(self) -> None:
        """Refuse what is nothing or two things, and places outside."""
        if (self.content is not UNSET) + (self.file is not UNSET) + self.folder != 1:
            raise ValueError("say one of content, file and folder: true")
        if self.count is not UNSET and _EACH not in self.path:
            raise ValueError(f"of several files each needs a name of its own: {_EACH} in `path`")
        if self.repeat is not UNSET and self.content is UNSET:
            raise ValueError("only `content` can be repeated")
        if self.append and self.content is UNSET:
            raise ValueError("only `content` can be appended")
        refuse_outside(self.path.lstrip("/"))

    def list_each(self) -> Iterator[GivenFile]:
        """Yield the files that this stands for, with the number of each filled in."""
        if isinstance(self.count, UnsetType):
            yield self
            return
        for number in range(1, int(self.count) + 1):
            age = self.age.replace(_EACH, str(number)) if isinstance(self.age, str) else self.age
            yield msgspec.structs.replace(
                self,
                count=UNSET,
                path=self.path.replace(_EACH, str(number)),
                age=age,
                content=self.content
                if isinstance(self.content, UnsetType) or self.repeat is not UNSET
                else self.content.replace(_EACH, str(number)),
            )

    def make_content(self) -> bytes:
        """Return what is written, where that is a text."""
        text = "" if isinstance(self.content, UnsetType) else self.content
        if isinstance(self.repeat, UnsetType):
            return text.encode()
        numbers = range(1, int(self.repeat) + 1)
        return "".join(text.replace(_EACH, str(number)) for number in numbers).encode()

    @property
    def seconds_ago(self) -> int:
        """Its age in seconds."""
        if isinstance(self.age, int):
            return self.age
        unit = _UNITS.get(self.age[-1:])
        return int(self.age) if unit is None else int(self.age[:-1]) * unit


def refuse_outside(path: str) -> None:
    """Raise ValueError for a path that does not stay in a folder, or is of a repository's own."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or any(part.casefold() == ".git" for part in parts):
        raise ValueError(f"{path!r} does not stay in the folder")


def put_files(given: Iterable[GivenFile], lab_root: Path, folder: Path) -> None:
    """Put files into a folder, which is nobody else's now; what stands in their way goes.

    Raises DevlabError, an author's error, for a fixture that is not there, or for too much.
    """
    every = [one for some in given for one in some.list_each()]
    if len(every) > _FILES_LIMIT:
        raise DevlabError(f"a check gives more than {_FILES_LIMIT:,} files")
    for one in every:
        _place(one, lab_root, folder)
    # What is put into a folder makes it new: so those that lie in others come first.
    now = time.time()
    for one in sorted(every, key=lambda one: -len(PurePosixPath(one.path).parts)):
        target = folder / one.path
        if not isinstance(one.mode, UnsetType):
            target.chmod(int(one.mode, 8))
        if one.seconds_ago:
            os.utime(target, (now - one.seconds_ago,) * 2)


def _place(one: GivenFile, lab_root: Path, folder: Path) -> None:
    target = _make_way(folder, one.path, keep=one.append or one.folder, folder_wanted=one.folder)
    if one.folder:
        target.mkdir(exist_ok=True)
    elif isinstance(one.file, str):
        source = find_fixture(lab_root, one.file)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    else:
        content = one.make_content()
        if len(content) > _BYTES_LIMIT:
            raise DevlabError(f"a check gives more than {_BYTES_LIMIT // 2**20} MB in {one.path}")
        with target.open("ab" if one.append else "wb") as file:
            file.write(content)


def _make_way(folder: Path, path: str, *, keep: bool, folder_wanted: bool) -> Path:
    """Return the place of a file, with folders around it that are folders, and nothing there."""
    target = folder
    parts = PurePosixPath(path).parts
    if not parts:
        return folder
    for part in parts[:-1]:
        target /= part
        if target.is_symlink() or not target.is_dir():
            _remove(target)
            target.mkdir()
        _open_up(target)
    target /= parts[-1]
    if target.is_symlink() or not keep or (folder_wanted and not target.is_dir()):
        _remove(target)
    return target


def _open_up(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.chmod(folder.stat().st_mode | 0o700)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def find_fixture(lab_root: Path, path: str) -> Path:
    """Return a file or folder of a lab's fixtures/; raises DevlabError where there is none."""
    found = resolve_inside(lab_root / FIXTURES, str(PurePosixPath(path).relative_to(FIXTURES)))
    if not found.exists():
        raise DevlabError(f"the lab has no {path}")
    return found


def read_fixture(lab_root: Path, path: str) -> bytes:
    """Return the content of a file of a lab's fixtures/; raises as `find_fixture`."""
    found = find_fixture(lab_root, path)
    if not found.is_file():
        raise DevlabError(f"{path} is no file")
    return found.read_bytes()
