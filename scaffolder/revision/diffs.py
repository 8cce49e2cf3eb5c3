"""The difference between two states of files, as git and `patch` read it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scaffolder.revision.edits import Edit
from scaffolder.revision.trees import Entry, Kind

# Comparing takes time with the square of the lines, and learners' files are hostile.
_LINES_LIMIT = 5000
_BYTES_LIMIT = 512 * 1024
_MODES = {Kind.FILE: "100644", Kind.PROGRAM: "100755", Kind.LINK: "120000"}

Change = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class FileDiff:
    """How one file changes; `text` is a unified diff with git's header, with a line end."""

    path: str
    change: Change
    text: str


def file_diffs(edits: Iterable[Edit]) -> tuple[FileDiff, ...]:
    """Return what each edit changes, in their order."""
    return tuple(_file_diff(edit) for edit in edits)


def unified(edits: Iterable[Edit]) -> str:
    """Return all edits as one unified diff, which `git apply` and `patch -p1` take."""
    return "".join(one.text for one in file_diffs(edits))


def _file_diff(edit: Edit) -> FileDiff:
    change: Change = (
        "added" if edit.before is None else "removed" if edit.after is None else "changed"
    )
    old, new = _quoted(f"a/{edit.path}"), _quoted(f"b/{edit.path}")
    lines = [f"diff --git {old} {new}\n", *_modes(edit)]
    if _content(edit.before) != _content(edit.after) or change != "changed":
        lines += _compared(
            edit,
            "/dev/null" if edit.before is None else old,
            "/dev/null" if edit.after is None else new,
        )
    return FileDiff(edit.path, change, "".join(lines))


def _modes(edit: Edit) -> list[str]:
    before = None if edit.before is None else _MODES[edit.before.kind]
    after = None if edit.after is None else _MODES[edit.after.kind]
    if before is None:
        return [f"new file mode {after}\n"]
    if after is None:
        return [f"deleted file mode {before}\n"]
    return [] if before == after else [f"old mode {before}\n", f"new mode {after}\n"]


def _content(entry: Entry | None) -> bytes:
    return b"" if entry is None else entry.content


def _compared(edit: Edit, old: str, new: str) -> list[str]:
    present = [one for one in (edit.before, edit.after) if one is not None]
    if any(b"\0" in one.content for one in present):
        return [f"Binary files {old} and {new} differ\n"]
    before, after = _lines(_content(edit.before)), _lines(_content(edit.after))
    large = sum(len(one.content) for one in present) > _BYTES_LIMIT
    if large or max(len(before), len(after)) > _LINES_LIMIT:
        return [f"Files {old} and {new} differ, and are too large to show how\n"]
    compared = difflib.unified_diff(before, after, old, new)
    return [line if line.endswith("\n") else _unended(line) for line in compared]


def _unended(line: str) -> str:
    return f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes) -> list[str]:
    # Only \n ends a line for git; bytes that are no UTF-8 are told apart all the same.
    text = content.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _quoted(path: str) -> str:
    """Return a path as git writes it: in quotes where a character would break the line."""
    if path.isprintable() and '"' not in path and "\\" not in path:
        return path
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in path.encode("utf-8", "surrogateescape")
    )
    return f'"{escaped}"'
