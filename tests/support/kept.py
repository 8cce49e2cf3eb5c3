"""What takes long to make and does not change: made once for a checkout, whichever test asks."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest


def make_once(
    request: pytest.FixtureRequest, name: str, content: bytes, make: Callable[[Path], None]
) -> Path:
    """Return the folder that `make` filled for `content` and this Python, in pytest's cache.

    Workers of pytest-xdist wait for each other. What `make` raises (or skips) leaves nothing.
    """
    key = hashlib.sha256(content + sys.version.encode() + sys.prefix.encode()).hexdigest()[:16]
    cache = getattr(request.config, "cache", None)
    parent = Path(cache.mkdir(name)) if cache else _make_passing_folder(request, name)
    target = parent / key
    with (parent / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            making = Path(tempfile.mkdtemp(dir=parent))
            try:
                make(making)
                making.rename(target)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return target


def _make_passing_folder(request: pytest.FixtureRequest, name: str) -> Path:
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    return factory.mktemp(name)
