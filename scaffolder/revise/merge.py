"""Three states of files become one: how the work began, the learner's, and how it begins now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from scaffolder.core.errors import DevlabError, UnavailableError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.revise import edits as revision
from scaffolder.revise.edits import Edit
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import trees
from scaffolder.workspace.trees import Entry, EntryKind, Tree

YOURS = "yours"

What = Literal["marked", "beside", "deleted-by-you", "deleted-by-lab", "moved"]


@dataclass(frozen=True)
class Conflict:
    """A file that two sides changed so that only its owner can say what it should be.

    `marked`: both texts stand in it, at `lines`, as git marks them. `beside`: yours stays, and the
    lab's stands in the file `beside`. `deleted-by-you`: the lab changed it, and it is back.
    `deleted-by-lab`: you changed it, and it stays. `moved`: it stands under another name, for
    something of the lab's needs its own.
    """

    path: str
    what: What
    lines: tuple[int, ...] = ()
    beside: str = ""


@dataclass(frozen=True)
class Merged:
    """What merging changes in the learner's files, and what it leaves to the learner.

    `both` are files that both sides had changed and that merged by themselves.
    """

    edits: tuple[Edit, ...]
    conflicts: tuple[Conflict, ...]
    both: tuple[str, ...] = ()


def merge_work(began: Tree, yours: Tree, now: Tree, label: str) -> Merged:
    """Merge what changed from `began` to `now` into `yours`; `label` names the lab's side.

    The label is one of `make_label`. Raises DevlabError where git cannot merge them,
    UnavailableError where git is missing and needed: where both sides changed something.
    """
    own = {path: entry for path, entry in yours.items() if path not in began}
    if all(yours.get(path) == entry for path, entry in began.items()) and not _meet(own, now):
        return Merged(revision.find_edits(yours, {**own, **now}), ())
    if not git.is_available():
        raise UnavailableError(
            "you and the lab changed the same things, and git, which merges them, is not installed",
            hint="install git and run devlab update again; nothing was touched",
        )
    wanted, unmerged = _merged(began, yours, now, label)
    wanted = _yours_at_clashes(wanted, unmerged, yours, now, label)
    conflicts, beside = _conflicts(unmerged, began, yours, now, wanted, label)
    conflicts += _moved(wanted, yours, now, label)
    wanted |= beside
    left = {path for one in conflicts for path in (one.path, one.beside)}
    both = tuple(
        path
        for path in sorted(wanted)
        if path not in left and wanted[path] not in (yours.get(path), now.get(path))
    )
    return Merged(revision.find_edits(yours, wanted), conflicts, both)


def make_label(name: str) -> str:
    """Return a name as it may stand at a mark, and in the name of a file."""
    return re.sub(r"[^\w.-]", "-", name)


def _meet(own: Tree, now: Tree) -> bool:
    """Whether files of the learner's own and the lab's want the same places."""
    if any(path in now and now[path] != entry for path, entry in own.items()):
        return True
    return bool(_folders(now) & set(own) or _folders(own) & set(now))


def _folders(tree: Tree) -> set[str]:
    return {str(above) for path in tree for above in PurePosixPath(path).parents}


def _merged(
    began: Tree, yours: Tree, now: Tree, label: str
) -> tuple[dict[str, Entry], tuple[str, ...]]:
    with make_run_folder() as temporary:
        folder = temporary / "merge"
        folder.mkdir()
        unmerged = git.merge_trees(
            folder,
            [trees.make_git_files(tree) for tree in (began, yours, now)],
            (YOURS, label),
            cancel=CancelToken(),
        )
        return trees.read_tree(folder), unmerged


def _yours_at_clashes(
    wanted: Tree, unmerged: Iterable[str], yours: Tree, now: Tree, label: str
) -> dict[str, Entry]:
    """Return what git made, with the learner's at each path that a file and a link both want.

    Which of the two git leaves there, and whether it puts the other one beside, depends on which
    is the link, and on git's version.
    """
    clashes = {
        path
        for path in unmerged
        if path in yours
        and path in now
        and (yours[path].kind is EntryKind.LINK) != (now[path].kind is EntryKind.LINK)
    }
    aside = _put_aside(wanted, yours, now, label)
    kept = {
        path: entry
        for path, entry in wanted.items()
        if path not in aside or aside[path][0] not in clashes
    }
    return kept | {path: yours[path] for path in clashes}


def _put_aside(wanted: Tree, yours: Tree, now: Tree, label: str) -> dict[str, tuple[str, str]]:
    """Return the place and the side of each file that git put beside its place.

    It names them `PATH~LABEL`.
    """
    pattern = re.compile(rf"(.*)~({re.escape(label)}|{YOURS})(_\d+)?", re.DOTALL)
    found = {path: pattern.fullmatch(path) for path in sorted(set(wanted) - set(yours) - set(now))}
    return {path: (named[1], named[2]) for path, named in found.items() if named}


def _conflicts(
    unmerged: Iterable[str], began: Tree, yours: Tree, now: Tree, wanted: Tree, label: str
) -> tuple[tuple[Conflict, ...], dict[str, Entry]]:
    """Return the conflicts, and the lab's files that are to stand beside the learner's."""
    found: list[Conflict] = []
    beside: dict[str, Entry] = {}
    for path in unmerged:
        entry = wanted.get(path)
        lines = () if entry is None else find_marked_lines(entry, label)
        if lines:
            found.append(Conflict(path, "marked", lines))
        elif path in yours and path in now:
            if entry != now[path]:
                name = _free_name(path, label, {**wanted, **beside})
                beside[name] = now[path]
                found.append(Conflict(path, "beside", beside=name))
        elif path in yours and path in began:
            found.append(Conflict(path, "deleted-by-lab"))
        elif path in now and path in began:
            found.append(Conflict(path, "deleted-by-you"))
    return tuple(found), beside


def _moved(wanted: Tree, yours: Tree, now: Tree, label: str) -> tuple[Conflict, ...]:
    """Return the files that git put beside, for something else has to be a folder, or a file.

    It does not always say that they are a conflict.
    """
    return tuple(
        Conflict(path, "moved") if side == YOURS else Conflict(place, "beside", beside=path)
        for path, (place, side) in _put_aside(wanted, yours, now, label).items()
    )


def find_marked_lines(entry: Entry, label: str) -> tuple[int, ...]:
    """Return the lines, from 1, at which conflicts with the lab's `label` begin in a file."""
    if entry.binary:
        return ()
    lines = entry.content.split(b"\n")
    begin, end = b"<<<<<<< " + YOURS.encode(), b">>>>>>> " + label.encode()
    if not any(line.startswith(end) for line in lines):
        return ()
    return tuple(number for number, line in enumerate(lines, start=1) if line.startswith(begin))


def _free_name(path: str, label: str, taken: Mapping[str, Entry]) -> str:
    names = (f"{path}~{label}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    for name in names:
        if name not in taken:
            return name
    raise DevlabError(f"{path}~{label} and its like are all taken")
