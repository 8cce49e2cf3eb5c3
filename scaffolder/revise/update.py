"""Plan and carry out an update: the lab's start as it is now, merged into a learner's work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.labs.history import has_history
from scaffolder.labs.variables import make_context, require_free, select_usable_variables
from scaffolder.model import Lab
from scaffolder.revise import changelog, reference
from scaffolder.revise import edits as revision
from scaffolder.revise.backups import Backup
from scaffolder.revise.changelog import Section
from scaffolder.revise.edits import Edit
from scaffolder.revise.merge import Conflict, Merged, find_marked_lines, make_label, merge_work
from scaffolder.revise.versions import is_later
from scaffolder.workspace import (
    MANIFEST,
    TEXT_LIMIT,
    Manifest,
    ManifestLab,
    Workspace,
    encode_manifest,
    starts,
    trees,
)
from scaffolder.workspace.trees import Entry

COMMAND = "update"
CONFLICTS = ".devlab/conflicts.json"
# Binary, like no file of anybody's: it stands for what cannot be read, and is never written.
_UNREADABLE = Entry(b"\0devlab: a file that cannot be read\0")


class _Conflicts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an update left to the learner, kept until it is solved."""

    label: str
    marked: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """What an update would change; `edits` are those of the learner's files, `own` devlab's."""

    workspace: Workspace
    old: str
    new: str
    merged: Merged
    own: tuple[Edit, ...]
    changed: tuple[Section, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits of the learner's files."""
        return self.merged.edits

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """What the learner has to decide."""
        return self.merged.conflicts

    @property
    def needed(self) -> bool:
        """Whether there is anything to do; that conflicts are solved is nothing."""
        return bool(self.edits) or any(edit.path != CONFLICTS for edit in self.own)

    def carry_out(self) -> Backup:
        """Change the files; return the backup of what they were. Raises as `edits.carry_out`."""
        # The manifest says of which version the files are, so it comes after them.
        return revision.carry_out(self.workspace, (*self.edits, *self.own), COMMAND)


def plan_update(
    lab: Lab,
    workspace: Workspace,
    settings: Mapping[str, str] | None = None,
    *,
    start_unknown: bool = False,
) -> Update:
    """Return what would bring the lab, as it is now, into a workspace; nothing is written.

    Variables that the lab did not have before get their defaults, or what `settings` say. With
    `start_unknown` how the work began is not asked: what differs is a conflict. Raises DevlabError
    where the lab is older than the work, conflicts of an update before are not solved, or a setting
    is of what follows from the learner's id.
    """
    require_free(lab, settings or {})
    _refuse_downgrade(lab, workspace)
    _refuse_unsolved(workspace)
    context = make_context(lab, {**select_usable_variables(lab, workspace), **(settings or {})})
    history = reference.digest_start_history(lab, context) if has_history(lab) else ""
    if not start_unknown:
        _refuse_other_history(lab, workspace, history)
    now = reference.read_state(lab, "start", context)
    began = {} if start_unknown else reference.read_start(lambda: lab, workspace)
    yours = _yours(workspace, {*began, *now})
    label = make_label(f"{lab.id}-{lab.version}")
    merged = _without_unreadable(merge_work(began, yours, now, label))
    manifest = msgspec.structs.replace(
        workspace.manifest, lab=ManifestLab(lab.id, lab.version), context=context
    )
    return Update(
        workspace=workspace,
        old=workspace.manifest.lab.version,
        new=lab.version,
        merged=merged,
        own=_own_edits(
            workspace,
            manifest,
            starts.encode(manifest.lab, now, history),
            _conflicts(merged, label),
        ),
        changed=changelog.read_changes(lab, workspace.manifest.lab.version),
    )


def _refuse_downgrade(lab: Lab, workspace: Workspace) -> None:
    made_from = workspace.manifest.lab.version
    if is_later(made_from, lab.version):
        pack = lab.id.partition("/")[0] if "/" in lab.id else ""
        mend = f"devlab pack update {pack}" if pack else "upgrade devlab"
        raise DevlabError(
            f"your work is of version {made_from} of {lab.id}, and here is only version "
            f"{lab.version}, an older one; nothing was touched",
            hint=f"to get the later one: {mend}",
        )


def _refuse_other_history(lab: Lab, workspace: Workspace, history: str) -> None:
    """Raise DevlabError where the work began with another repository: nobody can merge the two.

    `history` is the digest of the one that the lab begins with now, "" where it ships none.
    """
    if starts.read_recorded_history(workspace) != history:
        raise DevlabError(
            f"{lab.id} {lab.version} begins with another repository than your work did, and a "
            "history cannot be merged into yours; nothing was touched",
            hint=f"to begin with the new one: devlab new {lab.id} DIR",
        )


def list_unsolved(workspace: Workspace) -> tuple[str, ...]:
    """Return the files in which conflicts of the last update are not solved yet, with the line.

    A marked one is solved when the marks are gone, one beside yours when that file is.
    """
    entry = trees.read_entry(workspace.root, CONFLICTS)
    if entry is None:
        return ()
    try:
        kept = msgspec.json.decode(entry.content, type=_Conflicts)
    except msgspec.DecodeError:
        return ()
    found = [path for path in kept.beside if _standing(workspace, path) is not None]
    for path in kept.marked:
        there = _standing(workspace, path)
        lines = () if there is None else find_marked_lines(there, kept.label)
        found += [f"{path}:{line}" for line in lines]
    return tuple(found)


def _standing(workspace: Workspace, path: str) -> Entry | None:
    if not trees.is_plain(path):
        return None
    try:
        return trees.read_entry(workspace.root, path)
    except UnusableFileError:
        return None


def _refuse_unsolved(workspace: Workspace) -> None:
    left = list_unsolved(workspace)
    if left:
        raise DevlabError(
            "the last update left conflicts that are not solved yet: " + ", ".join(left),
            hint="in a marked file keep what is right and delete the lines with <<<<<<<, ======= "
            "and >>>>>>>; of a file with ~ in its name take what you need, then delete it",
        )


def _yours(workspace: Workspace, known: set[str]) -> dict[str, Entry]:
    """Return the learner's files at the paths `known`, and their own texts beside them.

    The latter tell what was moved. What cannot be read is there as something nobody has.
    """
    found: dict[str, Entry] = {}
    for path in sorted(known):
        try:
            entry = trees.read_entry(workspace.root, path)
        except UnusableFileError:
            entry = _UNREADABLE
        if entry is not None:
            found[path] = entry
    for path in trees.list_paths(workspace.root):
        if path not in known and (workspace.root / path).lstat().st_size <= TEXT_LIMIT:
            try:
                entry = trees.read_entry(workspace.root, path)
            except UnusableFileError:
                continue
            if entry is not None and (not entry.binary or entry.kind is trees.EntryKind.LINK):
                found[path] = entry
    return found


def _without_unreadable(merged: Merged) -> Merged:
    for edit in merged.edits:
        if _UNREADABLE in (edit.before, edit.after):
            raise UnusableFileError(
                f"{edit.path} cannot be read, and the lab changes it; nothing was touched",
                edit.path,
                hint="move it elsewhere and run the command again",
            )
    return merged


def _conflicts(merged: Merged, label: str) -> Entry | None:
    marked = tuple(one.path for one in merged.conflicts if one.what == "marked")
    beside = tuple(one.beside for one in merged.conflicts if one.what == "beside")
    if not marked and not beside:
        return None
    kept = _Conflicts(label, marked, beside)
    return Entry(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")


def _own_edits(
    workspace: Workspace, manifest: Manifest, record: bytes, conflicts: Entry | None
) -> tuple[Edit, ...]:
    """Return the edits of what devlab keeps in the workspace, the manifest last."""
    wanted = {
        CONFLICTS: conflicts,
        starts.RECORD: Entry(record),
        str(MANIFEST): Entry(encode_manifest(manifest)),
    }
    found = (
        Edit(path, trees.read_entry(workspace.root, path), entry) for path, entry in wanted.items()
    )
    return tuple(edit for edit in found if edit.before != edit.after)
