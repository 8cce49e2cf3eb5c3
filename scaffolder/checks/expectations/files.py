"""What files must hold after a run: in the folder, in an archive that lies there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.expectations.listings import (
    Item,
    Listing,
    list_archive,
    select_paths,
)
from scaffolder.checks.expectations.texts import (
    CountRange,
    ReadFixture,
    TextExpectation,
    TextMiss,
    is_in_range,
    refuse_bad_range,
    show_range,
)
from scaffolder.core.errors import UnusableFileError

Mode = Annotated[str, Meta(pattern=r"^0?[0-7]{3,4}$")]
_NAMES_SHOWN = 5
_NAMED = 60


@dataclass(frozen=True)
class FileMiss:
    """A file that is not as expected: where, in words, and what to show of it."""

    path: str
    miss: TextMiss


class MemberExpectation(TextExpectation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one path, or each that a pattern names, must be; alone it must be there.

    `*` in `path` stands within a name, `**` for any folders. `absent: true` asks that nothing be
    there, `count` for how many, a number or [from, to]. `mode` are the permissions, "0600".
    """

    path: Annotated[str, Meta(min_length=1)]
    exists: bool = True
    absent: bool = False
    count: CountRange | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        TextExpectation.__post_init__(self)
        refuse_bad_range("count", self.count)
        if not self.exists:
            raise ValueError("say `absent: true` of what must not be there")
        if self.absent and (self._asks_content or self.count is not UNSET):
            raise ValueError("of what is absent nothing else can be expected")

    @property
    def _asks_content(self) -> bool:
        return self.asks or self.mode is not UNSET

    def find_file_misses(self, listing: Listing, read_fixture: ReadFixture) -> Iterator[FileMiss]:
        """Yield what is not as expected among what lies there."""
        named = select_paths(listing, self.path)
        if self.absent:
            for path in list(named)[:1]:
                yield FileMiss(path, TextMiss("is there", "nothing", _show_names(named)))
            return
        if not isinstance(self.count, UnsetType):
            if not is_in_range(self.count, len(named)):
                wanted = show_range(self.count)
                words = f"names {len(named)} files, and not {wanted}"
                yield FileMiss(self.path, TextMiss(words, f"{wanted} files", _show_names(named)))
        elif not named:
            near = f"nothing there; what is: {_show_names(listing)}"
            yield FileMiss(self.path, TextMiss("is not there", "a file or folder", near))
        for path, item in named.items():
            yield from self._find_misses_of(path, item, read_fixture)

    def _find_misses_of(
        self, path: str, item: Item, read_fixture: ReadFixture
    ) -> Iterator[FileMiss]:
        if item.broken:
            words = f"is a link that leads nowhere, or outside: {item.link}"
            yield FileMiss(path, TextMiss(words, "a file or folder", "a link"))
            return
        if isinstance(self.mode, str) and item.mode != int(self.mode, 8):
            wanted = f"{int(self.mode, 8):04o}"
            words = f"has the permissions {item.mode:04o}, and not {wanted}"
            yield FileMiss(path, TextMiss(words, wanted, f"{item.mode:04o}"))
        if self._reads:
            try:
                content = item.read()
            except UnusableFileError as error:
                yield FileMiss(path, TextMiss(error.message, "a file that can be read", "none"))
                return
            for miss in self.find_misses(content, read_fixture):
                yield FileMiss(path, miss)
            yield from self._find_inside(path, content, read_fixture)

    @property
    def _reads(self) -> bool:
        return self.asks

    def _find_inside(
        self,
        path: str,  # noqa: ARG002
        content: bytes,  # noqa: ARG002
        read_fixture: ReadFixture,  # noqa: ARG002
    ) -> Iterator[FileMiss]:
        yield from ()


class FileExpectation(MemberExpectation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one path must be after the run, or each that a pattern names; alone it must be there.

    `*` in `path` stands within a name, `**` for any folders. `absent: true` asks that nothing be
    there, `unchanged: true` that it is as before the run, `count` for how many, a number or
    [from, to]. `mode` are the permissions, "0600". `holds` is what a tar or zip archive must hold:
    a list of the same, without `unchanged`. The others are as of an output.
    """

    unchanged: bool = False
    holds: tuple[MemberExpectation, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        MemberExpectation.__post_init__(self)
        if self.absent and (self.unchanged or self.holds):
            raise ValueError("of what is absent nothing else can be expected")

    @property
    def _reads(self) -> bool:
        return self.asks or bool(self.holds)

    def find_changes(
        self, before: Mapping[str, str], after: Mapping[str, str]
    ) -> Iterator[FileMiss]:
        """Yield what is another than before, where it must not be; both are `digest_listing`."""
        if self.unchanged:
            kept = select_paths(before, self.path), select_paths(after, self.path)
            for path, words in list_changes(*kept):
                yield FileMiss(path, TextMiss(words, "as before the run", words))

    def _find_inside(
        self, path: str, content: bytes, read_fixture: ReadFixture
    ) -> Iterator[FileMiss]:
        if not self.holds:
            return
        try:
            listing = list_archive(content, path)
        except UnusableFileError as error:
            yield FileMiss(path, TextMiss(error.message, "a tar or zip archive", "none"))
            return
        for one in self.holds:
            for found in one.find_file_misses(listing, read_fixture):
                yield FileMiss(f"{path}: {found.path}", found.miss)


def list_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what differs between two looks at a folder: paths, and what became of each."""
    changes = [(path, "is gone") for path in before if path not in after]
    changes += [(path, "is new") for path in after if path not in before]
    changes += [
        (path, "was changed") for path in before if path in after and before[path] != after[path]
    ]
    return sorted(changes)


def _show_names(listing: Listing) -> str:
    names = [name if len(name) <= _NAMED else f"{name[: _NAMED - 1]}…" for name in sorted(listing)]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{', '.join(names[:_NAMES_SHOWN])}{more}" if names else "nothing"


def list_fixture_files(said: Any) -> Iterator[str]:
    """Yield the files of the lab's `fixtures/` that a struct or a collection names."""
    if isinstance(said, msgspec.Struct):
        for name in said.__struct_fields__:
            value = getattr(said, name)
            if name == "file" and isinstance(value, str):
                yield value
            else:
                yield from list_fixture_files(value)
    elif isinstance(said, list | tuple):
        for one in said:
            yield from list_fixture_files(one)
