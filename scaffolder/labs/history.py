"""The repository that a lab's learners begin with: history.yaml, read, replayed and built.

The first commit holds what the template and `start/` make, each later one a change-set on the files
of the commit before it. Of a merge counts what only one side changed; where both changed a file,
the merge's own change-set says what it holds, so that no version of git's merging has a say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.folders import remove_tree
from scaffolder.core.run_folders import make_run_folder
from scaffolder.labs import variation
from scaffolder.labs.lab_file import LabSource, refuse_repeats
from scaffolder.labs.schema import HISTORY
from scaffolder.model import ChangeSet, Lab
from scaffolder.model.history import HistoryCommit, HistoryFile, HistoryTag
from scaffolder.model.variation import Variation
from scaffolder.tools.git_building import NewCommit, NewTag, build_repository, exclude_paths
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import changes, trees
from scaffolder.workspace.repositories import read_refs
from scaffolder.workspace.trees import Entry, EntryKind, Tree

# What a learner's folder holds besides the repository's files: it is no part of any commit, so that
# nothing of it conflicts, moves or goes where somebody rebases, bisects or switches branches.
_OUTSIDE = ("README.md", ".devlab")


@dataclass
class _Commit:
    """A commit of a history as it was replayed: its files, and where it stands."""

    said: HistoryCommit
    tree: Tree
    parents: tuple[int, ...]
    ancestors: frozenset[int]


@dataclass
class _Replay:
    """What was replayed of a history so far."""

    source: LabSource
    file: HistoryFile
    place: Path
    commits: list[_Commit] = field(default_factory=list)
    branches: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    branch: str = ""


def has_history(lab: Lab) -> bool:
    """Whether a lab ships a repository."""
    return (lab.root / HISTORY).is_file()


def begin_history(lab: Lab, values: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    """Make of a start's files in `folder` the repository of the lab's history, and check it out.

    `values` are what `{{ name }}` in history.yaml stands for. Returns the full names of the commits
    that have an id. Raises DevlabError, with file and line, for what is wrong in history.yaml, and
    UnavailableError where git is missing.
    """
    base = {
        path: entry for path, entry in trees.read_tree(folder).items() if path not in _OUTSIDE
    }
    replay = replay_history(lab, values, base)
    for path in folder.iterdir():
        remove_tree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    names = build_repository(
        folder,
        [_new_commit(replay.file, one) for one in replay.commits],
        replay.branches,
        replay.file.branch,
        cancel=CancelToken(),
    )
    exclude_paths(folder, [f"/{one}" for one in _OUTSIDE])
    return {label: names[place] for label, place in replay.labels.items()}


def digest_history(folder: Path) -> str:
    """Return a digest of the repository that `begin_history` has made in `folder`."""
    told = [f"{name} {one}" for name, one in read_refs(folder).items()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _new_commit(file: HistoryFile, one: _Commit) -> NewCommit:
    said = one.said
    tags = (HistoryTag(tag) if isinstance(tag, str) else tag for tag in said.tags)
    return NewCommit(
        message=said.message,
        author=said.author or file.author,
        when=f"{int(said.date.timestamp())} {said.date:%z}",
        files=trees.make_git_files(one.tree),
        parents=one.parents,
        tags=tuple(NewTag(tag.name, tag.message) for tag in tags),
    )


def read_history(lab: Lab, values: Mapping[str, str]) -> tuple[LabSource, HistoryFile]:
    """Return a lab's history.yaml, and where things stand in it; raises LabFileError."""
    source = LabSource(lab.root / HISTORY)
    data = source.document.data or {}
    for name, place in variation.find_references(data):
        if name not in values:
            raise source.unknown("variable", name, values, *place)
    return source, source.convert(variation.fill(data, values, Variation()), HistoryFile)


def replay_history(lab: Lab, values: Mapping[str, str], base: Tree) -> _Replay:
    """Return the commits of a lab's history with all of their files, those of the first on `base`.

    Nothing runs. Raises LabFileError for what is wrong in history.yaml.
    """
    source, file = read_history(lab, values)
    _refuse_same_names(source, file)
    with make_run_folder() as place:
        replay = _Replay(source, file, place)
        for number, said in enumerate(file.commits):
            _replay_commit(replay, number, said, base)
    _refuse_nested_branches(replay)
    if file.branch not in replay.branches:
        raise source.unknown("branch", file.branch, replay.branches, "branch")
    return replay


def _refuse_same_names(source: LabSource, file: HistoryFile) -> None:
    labels = [(one.id, ("commits", at, "id")) for at, one in enumerate(file.commits) if one.id]
    refuse_repeats(source, "commit", labels)
    tags = [
        (tag if isinstance(tag, str) else tag.name, ("commits", at, "tags", number))
        for at, one in enumerate(file.commits)
        for number, tag in enumerate(one.tags)
    ]
    refuse_repeats(source, "tag", tags)
    made: dict[tuple[str, datetime], int] = {}
    for at, one in enumerate(file.commits):
        line = source.document.line("commits", at, "date")
        before = made.setdefault((one.author or file.author, one.date), line)
        if before != line:
            raise source.error(
                f"the commit of line {before} has the same author and date, by which a commit is "
                "known again after somebody rewrote it",
                *("commits", at, "date"),
            )
    branches = {one.branch for one in file.commits} | {file.branch}
    for label, place in labels:
        if label in branches:
            raise source.error(f"{label!r} is a branch and an id; name one differently", *place)


def _refuse_nested_branches(replay: _Replay) -> None:
    for name in replay.branches:
        above = {str(one) for one in PurePosixPath(name).parents} & set(replay.branches)
        if above:
            raise replay.source.error(
                f"git cannot have a branch {above.pop()!r} beside the branch {name!r}", "commits"
            )


def _replay_commit(replay: _Replay, number: int, said: HistoryCommit, base: Tree) -> None:
    at = ("commits", number)
    branch = said.branch or replay.branch or replay.file.branch
    parents = _find_parents(replay, number, said, branch)
    for parent in parents:
        if replay.commits[parent].said.date > said.date:
            raise replay.source.error("is earlier than the commit before it", *at, "date")
    if not 1970 <= said.date.year < 2100:  # noqa: PLR2004 -- what git's dates hold
        raise replay.source.error("is no time that git keeps", *at, "date")
    before = _merge(replay, number, said, parents) if parents else base
    tree = _change(replay, number, said.change, before)
    if number and tree == before and len(parents) < 2:  # noqa: PLR2004
        raise replay.source.error("the commit changes nothing", *at)
    ancestors = frozenset(parents).union(*(replay.commits[one].ancestors for one in parents))
    replay.commits.append(_Commit(said, tree, parents, ancestors))
    replay.branches[branch] = number
    replay.branch = branch
    if said.id:
        replay.labels[said.id] = number


def _find_parents(
    replay: _Replay, number: int, said: HistoryCommit, branch: str
) -> tuple[int, ...]:
    at = ("commits", number)
    if said.from_ is not None and (branch in replay.branches or not number):
        what = f"{branch!r} has begun already" if number else "nothing comes before the first"
        raise replay.source.error(f"from: {what}", *at, "from")
    if branch in replay.branches:
        first = [replay.branches[branch]]
    elif said.from_ is not None:
        first = [_find_place(replay, said.from_, *at, "from")]
    else:
        first = [number - 1] if number else []
    merged = [_find_place(replay, name, *at, "merge", i) for i, name in enumerate(said.merge)]
    for index, one in enumerate(merged):
        known = {first[0], *replay.commits[first[0]].ancestors} if first else set()
        if one in known or one in merged[:index]:
            raise replay.source.error(
                f"{said.merge[index]!r} is part of the branch already", *at, "merge", index
            )
    return (*first, *merged)


def _find_place(replay: _Replay, name: str, *position: str | int) -> int:
    known = {**replay.branches, **replay.labels}
    if name not in known:
        raise replay.source.unknown("branch or id", name, known, *position)
    return known[name]


def _change(replay: _Replay, number: int, change: ChangeSet, before: Tree) -> Tree:
    """Return the files of a commit: those before it with its change-set."""
    at = ("commits", number, "change")
    for path in change.paths:
        if path.split("/")[0].casefold() in {one.casefold() for one in _OUTSIDE}:
            raise replay.source.error(
                f"{path} is no part of the repository: it is where devlab keeps what learners "
                "read and what it knows, outside of every commit",
                *at,
            )
        if not trees.is_plain(path):
            raise replay.source.error(f"{path!r} can be no file of a learner's work", *at)
    place = replay.place / "change"
    remove_tree(place)
    place.mkdir()
    for path in change.paths:
        _lay_entry(place / path, before.get(path))
    try:
        changes.apply_change(change, place)
        after = trees.read_tree(place)
    except UnusableFileError as error:
        raise replay.source.error(f"{error.path} {error.message}", *at) from error
    except DevlabError as error:
        raise replay.source.error(error.message, *at) from error
    except OSError as error:
        raise replay.source.error(f"{error.filename}: {error.strerror}", *at) from error
    kept = {path: entry for path, entry in before.items() if path not in change.paths}
    if not trees.could_stand({**kept, **after}):
        raise replay.source.error("a file of it stands where another needs a folder", *at)
    return {**kept, **after}


def _lay_entry(target: Path, entry: Entry | None) -> None:
    if entry is None or entry.kind is EntryKind.LINK:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(entry.content)
    if entry.kind is EntryKind.PROGRAM:
        target.chmod(0o755)


def _merge(replay: _Replay, number: int, said: HistoryCommit, parents: Sequence[int]) -> Tree:
    """Return the files of a commit's parents, merged file by file."""
    merged = replay.commits[parents[0]].tree
    known = {parents[0], *replay.commits[parents[0]].ancestors}
    for parent in parents[1:]:
        theirs = replay.commits[parent].tree
        common = replay.commits[_find_base(replay, known, parent, number)].tree
        files: dict[str, Entry] = {}
        for path in {*merged, *theirs, *common}:
            ours, other, before = merged.get(path), theirs.get(path), common.get(path)
            if ours != other and before not in (ours, other) and path not in said.change.paths:
                raise replay.source.error(
                    f"both sides changed {path}: say under `change.write` what the merge holds",
                    *("commits", number, "merge"),
                )
            chosen = other if ours == before else ours
            if chosen is not None:
                files[path] = chosen
        merged = files
        known |= {parent, *replay.commits[parent].ancestors}
    return merged


def _find_base(replay: _Replay, known: set[int], parent: int, number: int) -> int:
    """Return the commit from which a parent and what is merged so far both come."""
    shared = known & {parent, *replay.commits[parent].ancestors}
    best = [one for one in shared if not any(one in replay.commits[x].ancestors for x in shared)]
    if len(best) != 1:
        raise replay.source.error(
            "these branches crossed before, so that nobody can say what is merged",
            *("commits", number, "merge"),
        )
    return best[0]
