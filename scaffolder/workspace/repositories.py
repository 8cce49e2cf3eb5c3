"""The git repository that a workspace is: what of it decides about a grade, and a copy of that.

A repository of a learner's is hostile: its settings name programs that git runs, its objects may be
borrowed from elsewhere, its caches may lie. So only objects, packs and refs count. Whatever else is
in `.git` is neither copied nor read, and no link in it is followed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from scaffolder.core import folders
from scaffolder.core.file_digests import open_file_digests
from scaffolder.workspace.files import escape_path

REPOSITORY = ".git"
_SIZE_LIMIT = 200 * 2**20
_COUNT_LIMIT = 100_000
_OBJECT = re.compile(r"objects/(?:[0-9a-f]{2}/[0-9a-f]+|pack/pack-[0-9a-f]+\.(?:pack|idx))")
_LONG_NAME = re.compile(r"objects/(?:[0-9a-f]{2}/[0-9a-f]{62}|pack/pack-[0-9a-f]{64}\.\w+)")
_REF = re.compile(r"(?:HEAD|packed-refs|(?:refs|reftable)/.+)", re.DOTALL)
_PLACES = ("HEAD", "packed-refs", "refs", "reftable", "objects")
# What git keeps while something is under way.
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
}
# What makes a repository incomplete, or somebody else's in part.
_INCOMPLETE = {
    "objects/info/alternates": "it borrows objects of another repository "
    "(objects/info/alternates): git repack -ad and remove that file",
    "commondir": "it is part of another repository (commondir)",
    "shallow": "it is shallow, so that its history is cut off: git fetch --unshallow",
}


class RepositoryCopy(msgspec.Struct, frozen=True):
    """The objects, packs and refs of a learner's repository in a bare one with our settings.

    `trouble` is why it cannot be looked at, "" where it can; `under_way` what was begun in it and
    not ended; `digest` is that of all this, as of `digest_repository`.
    """

    folder: Path
    trouble: str
    under_way: tuple[str, ...]
    digest: str


def copy_repository(root: Path, destination: Path) -> RepositoryCopy:
    """Copy what counts of the repository in the workspace `root` to the new folder `destination`.

    Raises OSError where it cannot be written.
    """
    for name in ("objects/pack", "refs"):
        (destination / name).mkdir(parents=True)
    survey = _Survey(root)
    long_names = False
    for relative, entry in survey.entries():
        long_names = long_names or _LONG_NAME.fullmatch(relative) is not None
        target = destination / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.path, target, follow_symlinks=False)
        survey.add(relative, hashlib.sha256(target.read_bytes()).hexdigest())
    settings = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n"
    if long_names:
        settings += "\tobjectFormat = sha256\n"
    if (destination / "reftable").is_dir():
        settings += "\trefStorage = reftable\n"
    (destination / "config").write_text(settings, "utf-8")
    return RepositoryCopy(destination, survey.trouble, survey.under_way, survey.digest)


def digest_repository(root: Path) -> str:
    """Return a digest of all that a copy of the repository in `root` would hold, in hexadecimal."""
    digests = open_file_digests()
    survey = _Survey(root)
    for relative, entry in survey.entries():
        survey.add(relative, digests.digest_file(entry.path, entry.stat(follow_symlinks=False)))
    digests.save()
    return survey.digest


def has_history_changed_since(root: Path, moment: float) -> bool:
    """Whether HEAD or a ref of the repository in `root` may be another than at a time.

    As `has_changed_since`, which looks at the files of the work.
    """
    folder = root / REPOSITORY
    looked_at = [folder / name for name in ("HEAD", "packed-refs")]
    looked_at += [
        Path(above, name) for above, _, names in os.walk(folder / "refs") for name in names
    ]
    looked_at += [Path(above) for above, _, _ in os.walk(folder / "refs")]
    return any(os.path.lexists(one) and os.lstat(one).st_ctime >= moment for one in looked_at)


class _Survey:
    """Walks through what counts of a repository, and adds up what was seen."""

    def __init__(self, root: Path) -> None:
        self._folder = root / REPOSITORY
        self._told: list[str] = []
        self.trouble = self._find_trouble()
        self.under_way = tuple(
            dict.fromkeys(
                what for name, what in _UNDER_WAY.items() if os.path.lexists(self._folder / name)
            )
        )

    @property
    def digest(self) -> str:
        """The digest of all that was added."""
        lines = [self.trouble, *self.under_way, *sorted(self._told)]
        return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()

    def add(self, relative: str, told: str) -> None:
        self._told.append(f"{relative}\0{told}")

    def entries(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield the files that count, until there is trouble."""
        size = count = 0
        try:
            for relative, entry in self._walk():
                status = entry.stat(follow_symlinks=False)
                size, count = size + status.st_size, count + 1
                if not stat.S_ISREG(status.st_mode):
                    self.trouble = f"{_show(relative)} is neither a file nor a folder"
                elif size > _SIZE_LIMIT or count > _COUNT_LIMIT:
                    self.trouble = (
                        f"it holds more than {_COUNT_LIMIT:,} files or {_SIZE_LIMIT // 2**20} MB"
                    )
                elif not os.access(entry.path, os.R_OK):
                    self.trouble = f"you may not read {_show(relative)}"
                if self.trouble:
                    return
                yield relative, entry
        except folders.UnboundedError as error:
            self.trouble = error.what
        except PermissionError as error:
            self.trouble = (
                f"you may not read {_show(os.path.relpath(error.filename, self._folder))}"
            )

    def _walk(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        if self.trouble:
            return
        with os.scandir(self._folder) as found:
            top = sorted((one for one in found if one.name in _PLACES), key=lambda one: one.name)
        for place in top:
            yield from self._of_place(place)

    def _of_place(self, place: os.DirEntry[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        if not place.is_dir(follow_symlinks=False):
            yield place.name, place
            return
        for entry in folders.walk_folder(Path(place.path)):
            relative = os.path.relpath(entry.path, self._folder)
            counts = _OBJECT.fullmatch(relative) or (
                _REF.fullmatch(relative) and not relative.endswith(".lock")
            )
            # A link in the place of a folder hides what git would find behind it.
            if entry.is_symlink() or (counts and not entry.is_dir(follow_symlinks=False)):
                yield relative, entry

    def _find_trouble(self) -> str:
        try:
            mode = self._folder.lstat().st_mode
        except OSError:
            return "there is none: .git is missing"
        if not stat.S_ISDIR(mode):
            return ".git is no folder but leads elsewhere, and devlab does not follow"
        for name, words in _INCOMPLETE.items():
            if os.path.lexists(self._folder / name):
                return words
        return ""


def _show(relative: str) -> str:
    return escape_path(Path(REPOSITORY) / relative)[:80]


def read_refs(root: Path) -> Mapping[str, str]:
    """Return what HEAD and each ref of a repository of our own making say, by name.

    They decide about all that is in it, as long as nobody tampers with objects.
    """
    folder = root / REPOSITORY
    found: dict[str, str] = {}
    packed = folder / "packed-refs"
    for line in packed.read_text("utf-8").splitlines() if packed.is_file() else ():
        told, _, name = line.partition(" ")
        if name and not line.startswith(("#", "^")):
            found[name] = told
    for path in sorted((folder / "refs").rglob("*")):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_text("utf-8").strip()
    return {"HEAD": (folder / "HEAD").read_text("utf-8").strip(), **dict(sorted(found.items()))}
