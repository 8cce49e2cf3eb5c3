"""Files that only this user can have written: what others could have planted is not read."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_own_file(path: Path, limit: int = -1) -> bytes:
    """Return the content of a file of this user's, at most `limit` bytes of it.

    Raises OSError for a file that others may write, or that is a link: where a folder of caches is
    shared, whoever can write to it could plant a verdict otherwise.
    """
    # A pipe would wait for a writer.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"{path} is not this user's alone")
        return file.read(limit)
