"""What is to change in a learner's folder, and doing it so that nothing can be lost.

A backup of all that changes is whole before the first file is touched, and each file changes at
once. Who is killed in between leaves a marker that names the backup; `recover` puts it back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.revise import backups
from scaffolder.revise.backups import Backup
from scaffolder.workspace import Workspace, trees
from scaffolder.workspace.trees import Entry, Tree

_OWN = Path(".devlab")
_DRAFT = _OWN / "draft"
_UNFINISHED = _OWN / "unfinished"
_RECOVER = "recover"


@dataclass(frozen=True)
class Edit:
    """What stands at a path, and what is to stand there; None is nothing."""

    path: str
    before: Entry | None
    after: Entry | None


def find_edits(before: Tree, after: Tree) -> tuple[Edit, ...]:
    """Return the edits that make one tree of the other, sorted by path."""
    return tuple(
        Edit(path, before.get(path), after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


def plan_room(root: Path, wanted: Tree) -> tuple[Edit, ...]:
    """Return the edits that take away what stands where files of `wanted` need folders or a place.

    That is a file or link where a folder must be, and whatever is in a folder where a file must be.
    """
    gone: set[str] = set()
    for path in wanted:
        stands_above = trees.find_obstacle(root, path)
        if stands_above is not None:
            gone.add(stands_above)
        elif (root / path).is_dir() and not (root / path).is_symlink():
            gone |= {f"{path}/{inner}" for inner in trees.list_paths(root / path)}
    taken = sorted(gone - set(wanted))
    return tuple(Edit(path, trees.read_entry(root, path), None) for path in taken)


def carry_out(workspace: Workspace, edits: Iterable[Edit], command: str) -> Backup:
    """Make the edits in a learner's folder and return the backup of what was there.

    `command` names who asks, for people who look at the backups. Deletions come first, then files
    in the order given. Raises DevlabError, and changes nothing, where a change before was killed
    and nobody has put it back, a file is not what the edit says it is, or something that is no part
    of the edits is in the way of one.
    """
    root = workspace.root
    ordered = tuple(edits)
    with lock_folder(root):
        _require_finished(root)
        _require_unchanged(root, ordered)
        _require_room(root, ordered)
        kept = backups.make(workspace, {edit.path: edit.before for edit in ordered}, command)
        _apply(root, ordered, kept.name)
    return kept


@dataclass(frozen=True)
class Recovery:
    """What was put back: from which backup, and those of what stood there until then.

    They are several, the first one first, where putting it back was killed, too.
    """

    begun: Backup
    until_now: tuple[Backup, ...]


def recover(workspace: Workspace) -> Recovery | None:
    """Put back what was there before a change that was killed; None where none was.

    Raises DevlabError where its backup cannot be used, or a file cannot be written.
    """
    if _unfinished(workspace.root) is None:
        return None
    with lock_folder(workspace.root):
        # Asked again: whoever was at it a moment ago may have finished.
        name = _unfinished(workspace.root)
        if name is None:
            return None
        kept = _begun_with(workspace.root, name)
        edits = plan_restore(workspace.root, kept)
        backups.make(workspace, {edit.path: edit.before for edit in edits}, _RECOVER)
        # The marker goes on naming the first backup: who is killed here begins again.
        _apply(workspace.root, edits, kept.name)
        since = backups.list_backups_since(workspace.root, kept)
    return Recovery(kept, tuple(one for one in since if one.command == _RECOVER and one.files))


def plan_restore(root: Path, kept: Backup) -> tuple[Edit, ...]:
    """Return the edits that make the files of a backup what they were."""
    wanted = backups.read(root, kept)
    there = {path: entry for path, entry in wanted.items() if entry is not None}
    # What has to make room may be what was not there, too.
    room = {edit.path: edit for edit in plan_room(root, there)}
    edits = (
        Edit(path, trees.read_entry(root, path), entry)
        for path, entry in wanted.items()
        if path not in room
    )
    return (*room.values(), *(edit for edit in edits if edit.before != edit.after))


@contextlib.contextmanager
def lock_folder(root: Path) -> Iterator[None]:
    """Keep other devlabs from changing the same folder; raises DevlabError where one does."""
    folder = os.open(backups.find_own_folder(root), os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DevlabError(
                f"another devlab is changing {root} right now", hint="wait until it is done"
            ) from error
        yield
    finally:
        os.close(folder)


def _require_finished(root: Path) -> None:
    if _unfinished(root) is not None:
        raise DevlabError(
            f"a change of {root} was stopped half-way; nothing was touched",
            hint="devlab reset puts that back, and then asks before it changes anything",
        )


def _require_unchanged(root: Path, edits: tuple[Edit, ...]) -> None:
    for edit in edits:
        if trees.read_entry(root, edit.path) != edit.before:
            raise DevlabError(
                f"{edit.path} was changed in the meantime; nothing was touched",
                hint="run the command again",
            )


def _require_room(root: Path, edits: tuple[Edit, ...]) -> None:
    """Raise where something that nobody said to take away stands where a file is to be."""
    leaving = {edit.path for edit in edits if edit.after is None}
    for edit in edits:
        if edit.after is None:
            continue
        above = trees.find_obstacle(root, edit.path)
        if above is not None and above not in leaving:
            raise _in_the_way(above, edit.path)
        target = root / edit.path
        if target.is_dir() and not target.is_symlink():
            staying = sorted(_files_in(root, edit.path) - leaving)
            if staying:
                raise _in_the_way(staying[0], edit.path)


def _files_in(root: Path, folder: str) -> set[str]:
    inside = (root / folder).rglob("*")
    found = (path for path in inside if path.is_symlink() or not path.is_dir())
    return {path.relative_to(root).as_posix() for path in found}


def _in_the_way(there: str, wanted: str) -> UnusableFileError:
    return UnusableFileError(
        f"{there} stands where {wanted} belongs; nothing was touched",
        there,
        hint="move it elsewhere and run the command again",
    )


def _begun_with(root: Path, name: str) -> Backup:
    try:
        return backups.find(root, name)
    except DevlabError as error:
        raise DevlabError(
            f"{_UNFINISHED} says that a change was stopped half-way, and {name!r}, the backup from "
            "which to put it back, cannot be used",
            hint=f"look whether your files are what they should be, then delete {_UNFINISHED}",
        ) from error


def _apply(root: Path, edits: tuple[Edit, ...], backup: str) -> None:
    """Make the edits behind a marker that names their backup; raises DevlabError half-way."""
    try:
        _make(root, edits, backup)
    except OSError as error:
        where = error.filename2 or error.filename or root
        raise DevlabError(
            f"{os.fsdecode(where)} cannot be written: {error.strerror}; your files as they were "
            f"are in {backups.FOLDER}/{backup}",
            hint="mend that and run the command again: what is changed already is put back first",
        ) from error


def _make(root: Path, edits: tuple[Edit, ...], backup: str) -> None:
    marker = root / _UNFINISHED
    trees.write_entry(root, str(_UNFINISHED), Entry(f"{backup}\n".encode()), root / _DRAFT)
    for edit in edits:
        if edit.after is None:
            (root / edit.path).unlink(missing_ok=True)
            _remove_empty_above(root, edit.path)
    for edit in edits:
        if edit.after is not None:
            _remove_empty(root / edit.path)
            trees.write_entry(root, edit.path, edit.after, root / _DRAFT)
    marker.unlink()


def _remove_empty_above(root: Path, path: str) -> None:
    """Remove the folders that a deletion left empty, as git does."""
    for above in PurePosixPath(path).parents[:-1]:
        try:
            (root / above).rmdir()
        except OSError:
            return


def _remove_empty(target: Path) -> None:
    """Remove a folder, with nothing but folders in it, that stands where a file is to be."""
    if target.is_dir() and not target.is_symlink():
        for folder in sorted(target.rglob("*"), reverse=True):
            folder.rmdir()
        target.rmdir()


def _unfinished(root: Path) -> str | None:
    entry = trees.read_entry(root, str(_UNFINISHED))
    return None if entry is None else entry.content.decode("utf-8", "replace").strip()


def describe_edits(edits: Iterable[Edit]) -> Mapping[str, tuple[str, ...]]:
    """Return the paths of edits by what happens to them: added, changed, removed."""
    words: dict[str, list[str]] = {"added": [], "changed": [], "removed": []}
    for edit in edits:
        word = "added" if edit.before is None else "removed" if edit.after is None else "changed"
        words[word].append(edit.path)
    return {word: tuple(found) for word, found in words.items()}
