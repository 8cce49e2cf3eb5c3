"""How a learner's work began: the start's files, kept in the workspace itself.

Labs and templates get new versions, and the old ones are gone then. So `devlab new` keeps what it
made in `.devlab/start.json`, and a later version is merged with that. The record is content of a
learner's folder: it is compared with, and nothing in it is ever written to a disk.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from scaffolder.core.errors import DevlabError, UnavailableError, UnusableFileError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import (
    Manifest,
    ManifestLab,
    Workspace,
    read_bytes,
    read_manifest,
    trees,
)
from scaffolder.workspace.trees import Entry, Tree

RECORD = ".devlab/start.json"
_SCHEMA = "devlab.start/1"


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A start: its lab and version, its files (contents in base64), and a SHA-256 over them.

    `history` is the digest of the repository that it is, in a lab that has one.
    """

    schema: str = _SCHEMA
    lab: ManifestLab
    sha256: str
    files: dict[str, Entry]
    history: str | msgspec.UnsetType = msgspec.UNSET


def encode(lab: ManifestLab, tree: Tree, history: str = "") -> bytes:
    """Return the record of a start as `devlab new` keeps it."""
    record = _Record(
        lab=lab,
        sha256=_digest(tree),
        files=dict(sorted(tree.items())),
        history=history or msgspec.UNSET,
    )
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def _digest(tree: Tree) -> str:
    return hashlib.sha256(msgspec.json.encode(sorted(tree.items()))).hexdigest()


def keep(root: Path, manifest: Manifest, history: str = "") -> None:
    """Keep, in a folder that holds a start and nothing else yet, how it began."""
    (root / RECORD).write_bytes(encode(manifest.lab, trees.read_tree(root), history))


def read_recorded_history(workspace: Workspace) -> str:
    """Return the digest of the repository that some work began with; "" where nobody knows."""
    try:
        record = _read_record(workspace)
    except DevlabError:
        return ""
    return "" if record is None or record.history is msgspec.UNSET else record.history


def read_recorded(workspace: Workspace) -> Tree | None:
    """Return the start that a workspace's record holds; None where there is no record.

    Raises DevlabError where it was damaged, or speaks of another lab or version.
    """
    record = _read_record(workspace)
    return None if record is None else record.files


def _read_record(workspace: Workspace) -> _Record | None:
    try:
        content = read_bytes(workspace.root, RECORD, trees.OWN_LIMIT)
        record = msgspec.json.decode(content, type=_Record)
    except UnusableFileError as error:
        if error.message == "is missing":
            return None
        raise DevlabError(f"{RECORD}: {error.message}") from error
    except msgspec.DecodeError as error:
        raise DevlabError(f"{RECORD}: not a record of a start: {error}") from error
    if record.schema != _SCHEMA:
        raise DevlabError(f"{RECORD}: schema is {record.schema!r}, this devlab reads {_SCHEMA!r}")
    if record.lab != workspace.manifest.lab:
        raise DevlabError(
            f"{RECORD}: is the start of {record.lab.id} {record.lab.version}, "
            f"not of {workspace.manifest.lab.id} {workspace.manifest.lab.version}"
        )
    if record.sha256 != _digest(record.files):
        raise DevlabError(f"{RECORD}: its files are not those that were kept")
    if not trees.could_stand(record.files):
        raise DevlabError(f"{RECORD}: names a file that is no part of somebody's work")
    return record


def read_committed(workspace: Workspace) -> Tree | None:
    """Return the start that the workspace's first commit holds; None where there is none.

    Only a commit that `devlab new` made of this very lab and version counts.
    """
    try:
        candidates = git.list_first_commits(workspace.root, cancel=CancelToken())
    except (UnavailableError, DevlabError):
        return None
    for commit in candidates:
        found = _checked_out(workspace, commit)
        if found is not None:
            return found
    return None


def _checked_out(workspace: Workspace, commit: str) -> Tree | None:
    with make_run_folder() as temporary:
        folder = temporary / "start"
        folder.mkdir()
        try:
            git.fetch(str(workspace.root), commit, folder, cancel=CancelToken())
            if read_manifest(folder).lab != workspace.manifest.lab:
                return None
            return trees.read_tree(folder)
        except DevlabError:
            return None


def format_subject(lab: ManifestLab) -> str:
    """Return what the first commit of a workspace says."""
    return f"Start {lab.id} ({lab.version})"
