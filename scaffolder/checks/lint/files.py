"""Which files of the work are linted, and their texts."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from pathlib import Path

from scaffolder.checks.context import Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Finding
from scaffolder.workspace import escape_path, read_text, walk_work

_MOST_FILES = 200
_MOST_CHARACTERS = 2 * 1024 * 1024
_WILDCARDS = frozenset("*?[")


def read_files(run: Run, patterns: Sequence[str]) -> dict[str, str]:
    """Return the texts of the files that fit one of the patterns, by path.

    Patterns are those of fnmatch; `*` stands for slashes too. Raises CheckFailedError where a file
    that is named in full is not there, or where nothing fits the others; UnusableFileError where
    one that fits is no text, leads outside, or has a name that no program could be told.
    """
    for skipped in run.skipped:
        if _fits(skipped.path, patterns):
            raise UnusableFileError(f"is {skipped.reason}", skipped.path)
    paths = [path for path in _list_paths(run) if _fits(path, patterns)]
    _require_all(paths, patterns)
    if len(paths) > _MOST_FILES:
        raise CheckFailedError(f"{len(paths):,} files are to be linted; at most {_MOST_FILES} are")
    texts = {path: _read_script(run, path) for path in paths}
    if sum(map(len, texts.values())) > _MOST_CHARACTERS:
        raise CheckFailedError(
            f"the files to lint are more than {_MOST_CHARACTERS:,} characters together"
        )
    return texts


def _list_paths(run: Run) -> Iterator[str]:
    root = run.snapshot
    for entry in walk_work(root):
        if entry.is_file():
            yield entry.path.removeprefix(f"{root}/")


def _fits(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _require_all(paths: Sequence[str], patterns: Sequence[str]) -> None:
    named = [one for one in patterns if _WILDCARDS.isdisjoint(one)]
    missing = [one for one in named if one not in paths]
    if missing:
        raise CheckFailedError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there",
            *(Finding("is missing", path=path) for path in missing),
        )
    if not paths:
        raise CheckFailedError(f"no file of the work fits {', '.join(patterns)}")


def _read_script(run: Run, path: str) -> str:
    if not path.isprintable():
        shown = escape_path(Path(path))
        raise UnusableFileError("has a name with characters that cannot be shown", shown)
    text = read_text(run.snapshot, path)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnusableFileError("is no text: it holds a NUL byte", path, line=line)
    return text
