"""What all kinds that look at a repository share."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from scaffolder.checks.common_tools import GIT, SANDBOX
from scaffolder.checks.git.objects import GitCommit, GitFile, GitRepository
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.core.text import sanitize_line
from scaffolder.model import Finding
from scaffolder.model.tool import Tool

_TEXT_LIMIT = 1024 * 1024
_LINK = 0o120000
_MODULE = 0o160000
# A part of a line that is as long as git makes it; three equal signs alone are a heading's.
_MARKED = re.compile(rb"^(?:<{7}|>{7}|\|{7})(?: |$)", re.MULTILINE)

Pattern = Annotated[str, Meta(min_length=1, max_length=300)]


class GitKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that look at the repository that the work lies in."""

    quick: ClassVar[bool] = True
    requires: ClassVar[frozenset[Tool]] = frozenset({GIT, SANDBOX})
    reads_history: ClassVar[bool] = True

    @property
    def reads(self) -> tuple[str, ...]:
        return ()


def require_patterns(*patterns: str | None) -> None:
    """Raise ValueError, as who reads lab.yaml expects it, for one that is no regular expression."""
    for pattern in filter(None, patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


class FileContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file must hold: texts, patterns of lines, or that it is not there at all."""

    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    matches: tuple[Pattern, ...] = ()
    absent: bool = False

    def __post_init__(self) -> None:
        require_patterns(*self.matches)


def find_faults(
    work: GitRepository, commit: GitCommit, wanted: dict[str, FileContent]
) -> Iterator[Finding]:
    """Yield how the files of a commit are not what they should be."""
    files = work.list_files(commit.tree)
    for path, one in wanted.items():
        file = files.get(path)
        if one.absent or file is None:
            if one.absent == (file is None):
                continue
            message = "is there, and should not be" if one.absent else "is missing"
            yield Finding(message, path=path, rule="file")
            continue
        text = read_file(work, file).decode("utf-8", "replace")
        for part in one.contains:
            if part not in text:
                yield Finding(f"does not hold {_shorten(part)!r}", path=path, rule="content")
        for part in one.lacks:
            if part in text:
                line = text.count("\n", 0, text.index(part)) + 1
                yield Finding(
                    f"still holds {_shorten(part)!r}", path=path, line=line, rule="content"
                )
        for pattern in one.matches:
            if not any(re.search(pattern, line) for line in text.splitlines()):
                yield Finding(f"no line matches {pattern}", path=path, rule="content")


def find_markers(work: GitRepository, commit: GitCommit, known: set[str]) -> Iterator[Finding]:
    """Yield each file of a commit in which a conflict is marked still, but for contents `known`."""
    for path, file in sorted(work.list_files(commit.tree).items()):
        if file.blob in known or file.mode in (_LINK, _MODULE):
            continue
        content = read_file(work, file)
        found = _MARKED.search(content)
        if found and b"\0" not in content[:8000]:
            line = content.count(b"\n", 0, found.start()) + 1
            message = "the conflict is marked still, and not solved"
            yield Finding(message, path=path, line=line, rule="conflict-marker")


def read_file(work: GitRepository, file: GitFile) -> bytes:
    """Return the content of a file in a tree; b"" of a submodule, or of one that is too large."""
    _, size = work.blobs.get(file.blob, (0, 0))
    return work.read(file.blob) if 0 < size <= _TEXT_LIMIT else b""


def compare_trees(
    work: GitRepository,
    commit: GitCommit,
    other: GitRepository,
    original: GitCommit,
    but: Sequence[str],
) -> list[str]:
    """Return the paths at which two commits differ, without those that match patterns `but`."""
    mine, theirs = work.list_files(commit.tree), other.list_files(original.tree)
    return sorted(
        path
        for path in {*mine, *theirs}
        if mine.get(path) != theirs.get(path)
        and not any(fnmatch.fnmatchcase(path, pattern) for pattern in but)
    )


def raise_for(message: str, findings: list[Finding], hint: str = "") -> None:
    """Raise CheckFailedError with what was found, if anything was."""
    if not findings:
        return
    first = findings[0]
    where = f"{first.path}:{first.line}" if first.path and first.line else first.path
    said = " ".join(filter(None, (where, first.message)))
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    raise CheckFailedError(f"{message}: {sanitize_line(said)}{more}", *findings[:20], hint=hint)


def _shorten(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 60 else f"{line[:59]}…"
