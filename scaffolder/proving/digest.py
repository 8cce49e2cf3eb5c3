"""What a lab's proof was made of: a digest of the content that decides about it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from scaffolder import catalog, workspace
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
        for name, print_ in workspace.fingerprint(folder).items():
            whole.update(f"{name}\0{print_}\0".encode())
    return whole.hexdigest()[:_LENGTH]
