"""Digests of lines and of folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def hash_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of some lines; where one ends and the next begins is part of it."""
    whole = hashlib.sha256()
    for line in lines:
        content = line.encode("utf-8", "surrogateescape")
        whole.update(f"{len(content)}:".encode())
        whole.update(content)
    return whole.hexdigest()
