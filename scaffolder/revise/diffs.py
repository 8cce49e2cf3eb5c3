"""The difference between two states of files, as git and `patch` read it."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scaffolder.revise.edits import Edit
from scaffolder.workspace.trees import GIT_MODES, Entry, EntryKind

# Comparing takes time with the square of the lines, and learners' files are hostile.
_LINES_LIMIT = 5000
_BYTES_LIMIT = 512 * 1024
_SHORT = 7

Change = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class FileDiff:
    """How one file changes; `text` is a unified diff with git's header, with a line end."""

    path: str
    change: Change
    text: str


def make_file_diffs(edits: Iterable[Edit]) -> tuple[FileDiff, ...]:
    """Return what each edit changes, in their order."""
    return tuple(_file_diff(edit) for edit in edits)


def format_unified(edits: Iterable[Edit]) -> str:
    """Return all edits as one unified diff, which `git apply` and `patch -p1` take.

    Files that are binary, or too large to compare, are only named in it.
    """
    return "".join(one.text for one in make_file_diffs(edits))


def _file_diff(edit: Edit) -> FileDiff:
    change: Change = (
        "added" if edit.before is None else "removed" if edit.after is None else "changed"
    )
    return FileDiff(edit.path, change, "".join(line for one in _steps(edit) for line in _text(one)))


def _steps(edit: Edit) -> tuple[Edit, ...]:
    """Return an edit as git tells it: a file does not become a link, one goes and one comes."""
    kinds = {one.kind is EntryKind.LINK for one in (edit.before, edit.after) if one is not None}
    if len(kinds) < 2:
        return (edit,)
    return (Edit(edit.path, edit.before, None), Edit(edit.path, None, edit.after))


def _text(edit: Edit) -> list[str]:
    old, new = f"a/{edit.path}", f"b/{edit.path}"
    lines: list[str] = []
    if edit.before is None or edit.after is None or edit.before.content != edit.after.content:
        lines = _compared(
            edit,
            "/dev/null" if edit.before is None else _quoted(old),
            "/dev/null" if edit.after is None else _quoted(new),
        )
        # To people it says nothing, so it stands only where patch goes by it.
        if not lines or any(
            one and one.kind is EntryKind.LINK for one in (edit.before, edit.after)
        ):
            lines = [_index(edit), *lines]
    # Where no other line names it, a blank would end the name for patch.
    blank = " " in edit.path and len(lines) < 2
    return [
        f"diff --git {_quoted(old, blank=blank)} {_quoted(new, blank=blank)}\n",
        *_modes(edit),
        *lines,
    ]


def _index(edit: Edit) -> str:
    """Return the line by which patch knows an empty file that goes, and a link."""
    kinds = {one.kind for one in (edit.before, edit.after) if one is not None}
    same = edit.before is not None and edit.after is not None and len(kinds) == 1
    mode = f" {GIT_MODES[kinds.pop()]}" if same else ""
    return f"index {_name(edit.before)}..{_name(edit.after)}{mode}\n"


def _name(entry: Entry | None) -> str:
    """Return the short name that git gives to a content."""
    if entry is None:
        return "0" * _SHORT
    told = b"blob %d\0%s" % (len(entry.content), entry.content)
    return hashlib.sha1(told, usedforsecurity=False).hexdigest()[:_SHORT]


def _modes(edit: Edit) -> list[str]:
    before = None if edit.before is None else GIT_MODES[edit.before.kind]
    after = None if edit.after is None else GIT_MODES[edit.after.kind]
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
    # The tab ends a name that a blank does not.
    ends = ["\t" if " " in name else "" for name in (old, new)]
    compared = difflib.unified_diff(before, after, old + ends[0], new + ends[1])
    return [line if line.endswith("\n") else _unended(line) for line in compared]


def _unended(line: str) -> str:
    return f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes) -> list[str]:
    # Only \n ends a line for git; bytes that are no UTF-8 are told apart all the same.
    text = content.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _quoted(path: str, *, blank: bool = False) -> str:
    """Return a path as git writes it: in quotes where a character, or a `blank`, would break it."""
    if not blank and path.isprintable() and '"' not in path and "\\" not in path:
        return path
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in path.encode("utf-8", "surrogateescape")
    )
    return f'"{escaped}"'
