"""Where the learner's files lie in the repository that holds them."""

from __future__ import annotations

import os
from pathlib import Path


def find_repository_path(workspace: str, path: str) -> str:
    """Return a path of the workspace relative to the checked out repository, with slashes.

    GitHub looks for annotated files from there, and a workspace may be a folder further down.
    Elsewhere (no GITHUB_WORKSPACE that holds it) the workspace is taken for the repository.
    """
    checkout = os.environ.get("GITHUB_WORKSPACE")
    if not checkout:
        return path
    root, folder = Path(checkout).resolve(), Path(workspace).resolve()
    if not folder.is_relative_to(root):
        return path
    return (folder.relative_to(root) / path).as_posix()
