"""What a lab's proof was made of: a digest of the content that decides about it."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import msgspec

from scaffolder.core.errors import DevlabError
from scaffolder.labs import catalog
from scaffolder.model import Lab
from scaffolder.model.variation import Variation

# Enough to tell contents apart; it stands in a document that people read.
_LENGTH = 16
# What a lab's folder says to people; of lab.yaml, what it asks for counts all the same.
_SAID = frozenset({"lab.yaml", "instructions.md", "notes.md", "CHANGELOG.md"})


def digest_lab(root: Path, lab: Lab | None) -> str:
    """Return a digest of a lab folder's content and of its template's, in hexadecimal.

    A proof whose digest is not that of the lab today speaks of another lab. Of lab.yaml counts what
    it asks for: a hint or an instruction put better is no other lab. Without `lab`, of a lab folder
    that cannot be read, only the folder itself counts, with all that is in it.
    """
    folders = [root]
    if lab is not None:
        try:
            folders.append(catalog.find_template(lab))
        except DevlabError:
            folders = [root]
    whole = hashlib.sha256()
    if lab is not None:
        whole.update(encode_lab(lab))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if lab is not None and path.parent == root and path.name in _SAID:
                continue
            if path.is_file() and "__pycache__" not in path.parts:
                whole.update(f"{path.relative_to(folder).as_posix()}\0{_told(path)}\0".encode())
    return whole.hexdigest()[:_LENGTH]


def encode_lab(lab: Lab) -> bytes:
    """Return what a lab asks for and how it is graded, without what it says to people about it."""
    tasks = [
        (
            task.id,
            task.points,
            task.needs,
            task.given,
            [(one.id, one.kind, one.timeout, one.check) for one in task.checks],
        )
        for task in lab.tasks
    ]
    said: tuple[object, ...] = (lab.id, lab.trusted, tasks, lab.faults, lab.context)
    if lab.variation != Variation():
        said += (msgspec.structs.replace(lab.variation, instructions=""), lab.values)
    return msgspec.json.encode(said, order="deterministic")


def _told(path: Path) -> str:
    # Of the permissions git keeps only this one; the others are those of whoever cloned.
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    return f"{executable} {hashlib.sha256(path.read_bytes()).hexdigest()}"
