"""A repository as values: commits, trees, tags and refs, as git has written them down.

The objects come from `git cat-file --batch`, which tells the size of each, so that nothing in one
can be taken for another. Their names were worked out by git from their contents (see reading).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.core.errors import WorkFaultError

HEADS, TAGS = "refs/heads/", "refs/tags/"
_FILES_LIMIT = 50_000
_OBJECTS_LIMIT = 300_000
_PATH_LIMIT = 4096
_TREE = 0o040000
_MODULE = 0o160000
_PERSON = re.compile(r"(?P<who>.*) (?P<when>-?\d+ [-+]\d+)", re.DOTALL)
_SHORT = 7


@dataclass(frozen=True)
class GitCommit:
    """A commit; `author` is `Name <mail>`, `when` seconds and offset, as git writes them.

    `headers` is all that stands above the message, as git keeps it.
    """

    name: str
    tree: str
    parents: tuple[str, ...]
    author: str
    when: str
    message: str
    headers: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def shown(self) -> str:
        """What people call it: the beginning of its name, and its subject."""
        subject = self.subject if len(self.subject) <= 60 else f"{self.subject[:59]}…"
        return f"{self.name[:_SHORT]} {subject!r}"


@dataclass(frozen=True)
class GitTag:
    """An annotated tag."""

    name: str
    target: str
    message: str
    headers: str


@dataclass(frozen=True)
class GitFile:
    """A file in a tree: its mode, such as 0o100644, and the name of its content."""

    mode: int
    blob: str


@dataclass
class GitRepository:
    """All that can be reached in a repository.

    `refs` are the full names of refs with what they point to, `head` the branch that is checked
    out, in full, or "" where none is; `at` is the commit that is, "" before the first.
    """

    dump: Path
    refs: Mapping[str, str]
    head: str
    at: str
    commits: dict[str, GitCommit] = field(default_factory=dict)
    tags: dict[str, GitTag] = field(default_factory=dict)
    trees: dict[str, tuple[tuple[str, GitFile], ...]] = field(default_factory=dict)
    blobs: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def branches(self) -> Mapping[str, str]:
        """The branches by their short names."""
        return {
            name.removeprefix(HEADS): one
            for name, one in self.refs.items()
            if name.startswith(HEADS)
        }

    def read(self, blob: str) -> bytes:
        """Return the content of a file."""
        place, size = self.blobs[blob]
        with self.dump.open("rb") as file:
            file.seek(place)
            return file.read(size)

    def peel(self, name: str) -> GitCommit | None:
        """Return the commit that a name, or a tag of that name, stands for; None for none."""
        return self.commits.get(self.unwrap(name))

    def unwrap(self, name: str) -> str:
        """Return the name of what an object is a tag of, itself where it is none."""
        for _ in range(len(self.tags)):
            if name not in self.tags:
                break
            name = self.tags[name].target
        return name

    def list_ancestors(self, *names: str) -> set[str]:
        """Return the names of commits and of all from which they come."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found and name in self.commits:
                found.add(name)
                waiting += self.commits[name].parents
        return found

    def list_descendants(self, name: str) -> set[str]:
        """Return the names of a commit and of all that come from it."""
        children: dict[str, list[str]] = {}
        for one in self.commits.values():
            for parent in one.parents:
                children.setdefault(parent, []).append(one.name)
        found: set[str] = set()
        waiting = [name]
        while waiting:
            one_name = waiting.pop()
            if one_name not in found:
                found.add(one_name)
                waiting += children.get(one_name, ())
        return found

    def list_files(self, tree: str) -> Mapping[str, GitFile]:
        """Return the files of a tree by their paths; raises WorkFaultError for too many."""
        if tree not in self._files:
            self._files[tree] = dict(self._walk(tree))
        return self._files[tree]

    @functools.cached_property
    def _files(self) -> dict[str, Mapping[str, GitFile]]:
        return {}

    def _walk(self, top: str) -> Iterator[tuple[str, GitFile]]:
        waiting = [("", top)]
        seen = 0
        while waiting:
            above, tree = waiting.pop()
            for name, one in self.trees.get(tree, ()):
                seen += 1
                path = f"{above}{name}"
                # A tree can hold another one many times over, and that another one.
                if seen > _FILES_LIMIT or len(path) > _PATH_LIMIT:
                    raise WorkFaultError(
                        f"a commit holds more than {_FILES_LIMIT:,} files, or folders without end"
                    )
                if one.mode == _TREE:
                    waiting.append((f"{path}/", one.blob))
                else:
                    yield path, one


def parse_repository(dump: Path, refs: Mapping[str, str], head: str, at: str) -> GitRepository:
    """Return the repository whose objects git has written to the file `dump`.

    Raises WorkFaultError where something in it is missing or is no object of git's.
    """
    found = GitRepository(dump, refs, head, at)
    with dump.open("rb") as file:
        while line := file.readline(_PATH_LIMIT):
            name, kind, size = line.decode("ascii").split()
            if kind == "blob":
                found.blobs[name] = (file.tell(), int(size))
                file.seek(int(size) + 1, 1)
            else:
                _take(found, name, kind, file.read(int(size)))
                file.seek(1, 1)
            if len(found.blobs) + len(found.trees) + len(found.commits) > _OBJECTS_LIMIT:
                raise WorkFaultError(f"the repository holds more than {_OBJECTS_LIMIT:,} objects")
    _require_whole(found)
    return found


def _take(found: GitRepository, name: str, kind: str, content: bytes) -> None:
    try:
        if kind == "tree":
            found.trees[name] = tuple(_parse_tree(content, len(name) // 2))
        elif kind == "commit":
            found.commits[name] = _parse_commit(name, content)
        else:
            headers, message = _parse_headers(content)
            above = content.decode("utf-8", "replace").partition("\n\n")[0]
            found.tags[name] = GitTag(name, headers["object"][0], message, above)
    except (ValueError, KeyError, IndexError) as error:
        raise WorkFaultError(f"the repository's {kind} {name[:_SHORT]} is damaged") from error


def _parse_tree(content: bytes, width: int) -> Iterator[tuple[str, GitFile]]:
    """Yield the entries of a tree, the names of whose contents are `width` bytes long."""
    place = 0
    while place < len(content):
        end = content.index(b"\0", place)
        mode, _, path = content[place:end].partition(b" ")
        place = end + 1 + width
        blob = content[end + 1 : place].hex()
        if len(blob) != 2 * width or not path:
            raise ValueError(path)
        yield path.decode("utf-8", "surrogateescape"), GitFile(int(mode, 8), blob)


def _parse_headers(content: bytes) -> tuple[dict[str, list[str]], str]:
    """Return the headers of a commit or a tag, and its message."""
    text = content.decode("utf-8", "replace")
    head, _, message = text.partition("\n\n")
    headers: dict[str, list[str]] = {}
    for line in head.split("\n"):
        # What goes on in the next line, as a signature does, says nothing here.
        if not line.startswith(" "):
            key, _, value = line.partition(" ")
            headers.setdefault(key, []).append(value)
    return headers, message


def _parse_commit(name: str, content: bytes) -> GitCommit:
    headers, message = _parse_headers(content)
    author = _PERSON.fullmatch(headers["author"][0])
    if author is None:
        raise ValueError(name)
    return GitCommit(
        name=name,
        tree=headers["tree"][0],
        parents=tuple(headers.get("parent", ())),
        author=author["who"],
        when=author["when"],
        message=message,
        headers=content.decode("utf-8", "replace").partition("\n\n")[0],
    )


def _require_whole(found: GitRepository) -> None:
    """Raise WorkFaultError where an object that another one names is not there."""
    for name in _list_named(found):
        known: tuple[Mapping[str, object], ...] = (
            found.commits,
            found.trees,
            found.blobs,
            found.tags,
        )
        if not any(name in one for one in known):
            raise WorkFaultError(
                f"the repository is damaged: its object {name[:_SHORT]} is missing"
            )


def _list_named(found: GitRepository) -> Iterable[str]:
    yield from found.refs.values()
    yield from filter(None, [found.at])
    for commit in found.commits.values():
        yield commit.tree
        yield from commit.parents
    for tag in found.tags.values():
        yield tag.target
    for tree in found.trees.values():
        yield from (one.blob for _, one in tree if one.mode != _MODULE)
