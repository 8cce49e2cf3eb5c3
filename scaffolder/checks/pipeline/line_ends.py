"""Scripts with Windows line ends: the interpreter's name ends in CR, and so do a shell's words."""

from __future__ import annotations

import itertools
from pathlib import Path

from scaffolder.core.folders import walk_folder

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
    files = (one for one in walk_folder(root, _NOT_THEIRS) if one.is_file(follow_symlinks=False))
    paths = (Path(one.path) for one in itertools.islice(files, _FILES))
    return [
        path.relative_to(root).as_posix()
        for path in paths
        if path.name in words and _has_windows_ends(path)
    ]


def _has_windows_ends(path: Path) -> bool:
    """Whether a script cannot be run for its line ends: only shells mind them in later lines."""
    try:
        executable = path.stat().st_mode & 0o111 != 0
        with path.open("rb") as file:
            first = file.readline(_SHEBANG)
    except OSError:
        return False
    runs = path.suffix in _SHELLS or (executable and first.startswith(b"#!"))
    return runs and first.endswith(b"\r\n")
