"""A learner's folder: finding it, and reading what `devlab new` wrote down about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.learner_ids import normalize_learner_id
from scaffolder.workspace.files import make_unreadable_error, read_text

MANIFEST = Path(".devlab") / "manifest.json"
# In a state that an author rendered: what is done in it is no learner's progress.
RENDERED = Path(".devlab") / "rendered"
MANIFEST_SCHEMA = "devlab.workspace/1"
# The same with a learner in it, whom an older devlab would not know to grade by.
LEARNER_SCHEMA = "devlab.workspace/2"


class ManifestLab(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lab, in which version, a workspace was made from."""

    id: Annotated[str, Meta(max_length=200)]
    version: Annotated[str, Meta(max_length=200)]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `devlab new` wrote down about a workspace; `context` holds the template's variables.

    `learner` is the normalised id of whom it was made for, where it was made for somebody.
    """

    schema: str = MANIFEST_SCHEMA
    lab: ManifestLab
    context: dict[str, str]
    learner: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def learner_id(self) -> str:
        """Whom it was made for; "" for nobody in particular."""
        return "" if self.learner is msgspec.UNSET else self.learner


class _Header(msgspec.Struct, frozen=True):
    """What every version of a manifest begins with; the rest is the version's own."""

    schema: str


class NoWorkspaceError(DevlabError):
    """No folder from here upwards is a workspace."""


class Workspace(msgspec.Struct, frozen=True):
    """A learner's folder with its manifest."""

    root: Path
    manifest: Manifest


def find_workspace(start: Path) -> Workspace:
    """Return the workspace that `start` lies in.

    Raises NoWorkspaceError where no folder from `start` upwards has a manifest, DevlabError where
    it is broken, or where `start` or what is in it cannot be looked at.
    """
    here = _resolved(start)
    for folder in (here, *here.parents):
        if _has_manifest(folder):
            return Workspace(folder, read_manifest(folder))
    raise NoWorkspaceError(
        f"{here} is not in a devlab workspace: no {MANIFEST} here or in a folder above",
        hint="make one with: devlab new LAB   (devlab list shows the labs)",
    )


def _resolved(start: Path) -> Path:
    try:
        if start.exists():
            return start.resolve()
    except FileNotFoundError as error:
        # To look at "." works in a folder that was removed, only its name is gone.
        raise DevlabError(
            "the current folder is gone: it was removed, or made anew",
            hint='go to it again, or to another one: cd "$PWD"',
        ) from error
    except OSError as error:
        raise DevlabError(f"{start} cannot be looked at: {error.strerror}") from error
    raise DevlabError(f"{start}: there is no such folder")


def _has_manifest(folder: Path) -> bool:
    """Whether a folder is a workspace; raises DevlabError where only its owner could tell."""
    try:
        os.lstat(folder / MANIFEST)
    except PermissionError as error:
        if os.path.lexists(folder / MANIFEST.parent):
            raise make_unreadable_error(folder / MANIFEST.parent) from error
        return False
    except OSError:
        return False
    return True


def read_manifest(root: Path) -> Manifest:
    """Read a workspace's manifest; raises DevlabError naming the file and what is wrong in it."""
    path = root / MANIFEST
    hint = "restore it with: git checkout -- .devlab   or start afresh with: devlab new LAB"
    try:
        text = read_text(root, str(MANIFEST))
        header = msgspec.json.decode(text, type=_Header)
        if header.schema not in (MANIFEST_SCHEMA, LEARNER_SCHEMA):
            raise _from_elsewhere(path, header.schema)
        manifest = msgspec.json.decode(text, type=Manifest)
        if manifest.learner_id != (
            manifest.learner_id and normalize_learner_id(manifest.learner_id)
        ):
            raise DevlabError("its learner's id is not written as devlab writes it")
    except UnusableFileError as error:
        raise DevlabError(f"{path}: {error.message}", hint=hint) from error
    except msgspec.DecodeError as error:
        raise DevlabError(f"{path}: not a devlab manifest: {error}", hint=hint) from error
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as `read_manifest` reads it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def _from_elsewhere(path: Path, schema: str) -> DevlabError:
    return DevlabError(
        f"{path}: schema is {schema!r}, this devlab reads {MANIFEST_SCHEMA!r} and "
        f"{LEARNER_SCHEMA!r}",
        hint="it was made by another version of devlab: upgrade devlab, or start afresh",
    )
