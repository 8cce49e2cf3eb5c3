"""Copies of what devlab is about to change in a learner's folder, kept until somebody deletes them.

A backup is a folder, `.devlab/backups/NAME/`, with the files as they were in `files/` and a list in
`backup.json`: it works without git, touches no history or index of the learner's, and whoever does
not trust devlab can copy the files back by hand.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.suggest import suggest_name
from scaffolder.workspace import MANIFEST, Workspace, read_bytes, trees
from scaffolder.workspace.trees import Entry

_OWN = ".devlab"
FOLDER = f"{_OWN}/backups"
_LIST = "backup.json"
_FILES = "files"
_TIME = "%Y%m%d-%H%M%S"
_DRAFT, _DRAFT_FILE = ".draft", ".draft-file"
_SCHEMA = "devlab.backup/1"
# Of devlab's own files, those that belong to the state of the work.
STATE = frozenset({str(MANIFEST), f"{_OWN}/start.json", f"{_OWN}/conflicts.json"})
_LIST_LIMIT = 16 * 2**20


class _List(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in a backup; `missing` are paths at which there was nothing."""

    schema: str = _SCHEMA
    command: str
    version: str
    files: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Backup:
    """A backup by its name, the command that made it, and the paths that it remembers."""

    name: str
    command: str
    version: str
    files: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Where it lies, from the workspace."""
        return f"{FOLDER}/{self.name}"


def find_own_folder(root: Path) -> Path:
    """Return the folder `.devlab` of a workspace; raises UnusableFileError for a link."""
    for name in (_OWN, FOLDER):
        folder = root / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UnusableFileError(
                f"{name} must be a folder, and no link: devlab keeps your old files there",
                name,
                hint=f"move {name} away and run the command again",
            )
    return root / _OWN


def make(workspace: Workspace, entries: Mapping[str, Entry | None], command: str) -> Backup:
    """Keep what stands at some paths, or that nothing does; it is there whole or not at all.

    Raises DevlabError where it cannot be written.
    """
    shelf = find_own_folder(workspace.root) / "backups"
    draft = shelf / _DRAFT
    there = {path: entry for path, entry in entries.items() if entry is not None}
    said = _List(
        command=command,
        version=workspace.manifest.lab.version,
        files=tuple(sorted(there)),
        missing=tuple(sorted(set(entries) - set(there))),
    )
    try:
        _clear(shelf)
        for path, entry in there.items():
            trees.write_entry(draft / _FILES, path, entry, shelf / _DRAFT_FILE)
        content = msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"
        trees.write_entry(draft, _LIST, Entry(content), shelf / _DRAFT_FILE)
        name = _new_name(shelf, command)
        draft.rename(shelf / name)
    except OSError as error:
        raise DevlabError(
            f"cannot keep your old files in {shelf}: {error.strerror}; nothing was changed"
        ) from error
    return _backup(name, said)


def _clear(shelf: Path) -> None:
    """Make the shelf, where only its owner may read, without what a killed devlab left on it.

    What a learner keeps to themselves must not become everybody's by being backed up.
    """
    shelf.mkdir(mode=0o700, exist_ok=True)
    for name in (_DRAFT, _DRAFT_FILE):
        trees.clear_away(shelf / name)
    # They are no part of the learner's history.
    trees.write_entry(shelf, ".gitignore", Entry(b"*\n"), shelf / _DRAFT_FILE)


def _new_name(shelf: Path, command: str) -> str:
    stem = f"{time.strftime(_TIME)}-{command}"
    names = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next(name for name in names if not (shelf / name).exists())


def list_backups(root: Path) -> tuple[Backup, ...]:
    """Return the backups of a workspace, the latest first; folders that are none are left out."""
    shelf = find_own_folder(root) / "backups"
    names = sorted((one.parent.name for one in shelf.glob(f"*/{_LIST}")), reverse=True)
    found = []
    for name in names:
        try:
            found.append(_read_list(root, name))
        except DevlabError:
            continue
    return tuple(found)


def list_backups_since(root: Path, first: Backup) -> tuple[Backup, ...]:
    """Return the backups from the second on in which `first` was made, the first one first."""
    second = slice(len(time.strftime(_TIME)))
    found = (one for one in list_backups(root) if one.name[second] >= first.name[second])
    return tuple(sorted(found, key=lambda one: one.name))


def find(root: Path, name: str) -> Backup:
    """Return a backup; raises DevlabError where there is none of that name, or it is broken."""
    shelf = find_own_folder(root) / "backups"
    if name == Path(name).name and (shelf / name / _LIST).is_file():
        return _read_list(root, name)
    known = [one.name for one in list_backups(root)]
    raise DevlabError(
        f"there is no backup {name!r}{suggest_name(name, known)}",
        hint=f"backups: {', '.join(known) or 'none'}",
    )


def read(root: Path, backup: Backup) -> dict[str, Entry | None]:
    """Return what a backup remembers of each of its paths; raises DevlabError where it is broken.

    Devlab's own files come last: the manifest says what all others are a state of.
    """
    found: dict[str, Entry | None] = dict.fromkeys(backup.missing)
    for path in backup.files:
        # From the workspace on: nothing on the way may be a link.
        entry = trees.read_entry(root, f"{backup.folder}/{_FILES}/{path}")
        if entry is None:
            raise DevlabError(f"{backup.folder}: {path} is missing in it")
        found[path] = entry
    return dict(sorted(found.items(), key=lambda one: (one[0] in STATE, one[0])))


def _read_list(root: Path, name: str) -> Backup:
    relative = f"{FOLDER}/{name}/{_LIST}"
    try:
        said = msgspec.json.decode(read_bytes(root, relative, _LIST_LIMIT), type=_List)
    except UnusableFileError as error:
        raise DevlabError(f"{relative}: {error.message}") from error
    except msgspec.DecodeError as error:
        raise DevlabError(f"{relative}: not a list of devlab's: {error}") from error
    for path in (*said.files, *said.missing):
        if not trees.is_plain(path) and path not in STATE:
            raise DevlabError(f"{relative}: {path!r} is no path of somebody's work")
    return _backup(name, said)


def _backup(name: str, said: _List) -> Backup:
    return Backup(name, said.command, said.version, said.files, said.missing)
