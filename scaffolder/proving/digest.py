"""What a lab's proof was made of: a digest of the content that decides about it."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from scaffolder import catalog
from scaffolder.errors import DevlabError
from scaffolder.model import Lab

# Enough to tell contents apart; it stands in a document that people read.
_LENGTH = 16


def digest(root: Path, lab: Lab | None) -> str:
    """Return a digest of a lab folder's content and of its template's, in hexadecimal.

    A proof whose digest is not that of the lab today speaks of another lab. Without `lab`, of a
    lab folder that cannot be read, only the folder itself counts.
    """
    folders = [root]
    if lab is not None:
        try:
            folders.append(catalog.template_root(lab))
        except DevlabError:
            folders = [root]
    whole = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                whole.update(f"{path.relative_to(folder).as_posix()}\0{_told(path)}\0".encode())
    return whole.hexdigest()[:_LENGTH]


def _told(path: Path) -> str:
    # Of the permissions git keeps only this one; the others are those of whoever cloned.
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    return f"{executable} {hashlib.sha256(path.read_bytes()).hexdigest()}"
