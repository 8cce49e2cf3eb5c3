"""Scripts with Windows line ends: the interpreter's name ends in CR, and so do a shell's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

HINT = (
    "write `* text=auto eol=lf` into .gitattributes, then run `git add --renormalize .` and commit"
)

_FILES = 5000
_SHEBANG = 256
_SHELLS = frozenset({".sh", ".bash"})
_NOT_THEIRS = frozenset({".git", ".venv", "venv", "node_modules"})


def find_windows_scripts(root: Path, words: str) -> list[str]:
    """Return the scripts below `root` that `words` name, and whose first line ends in CR LF.

    `words` are what was run and what it printed; the fault is in the file, and is looked for there.
    """
    return [
        path.relative_to(root).as_posix()
        for path in _files(root)
        if path.name in words and _has_windows_ends(path)
    ]


def _files(root: Path) -> Iterator[Path]:
    seen = 0
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if name not in _NOT_THEIRS)
        for name in sorted(names):
            seen += 1
            if seen > _FILES:
                return
            yield Path(folder, name)


def _has_windows_ends(path: Path) -> bool:
    """Whether a script cannot be run for its line ends: only shells mind them in later lines."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        executable = path.stat().st_mode & 0o111 != 0
        with path.open("rb") as file:
            first = file.readline(_SHEBANG)
    except OSError:
        return False
    runs = path.suffix in _SHELLS or (executable and first.startswith(b"#!"))
    return runs and first.endswith(b"\r\n")
