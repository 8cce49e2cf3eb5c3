"""Which packs are installed: one JSON file in the user's data folder, replaced as a whole.

A pack's copy lies in a folder named after its content, so that writing the registry is the one
moment at which an addition or an update happens: before it the old is there, after it the new.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scaffolder.core import paths
from scaffolder.core.errors import DevlabError
from scaffolder.core.folders import remove_tree
from scaffolder.labs.schema import Id
from scaffolder.tools.git import hide_secret

SCHEMA = "devlab.packs/1"
_DRAFT = ".draft-"


class Installed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An installed pack: where it came from, and exactly which content that was.

    `commit` is empty for a copied folder; `content` is the digest of the copy, `trusted` the
    digest of what the user trusted, if they did.
    """

    name: Id
    source: str
    git: bool
    ref: str = ""
    commit: str = ""
    content: str
    trusted: str = ""
    title: str = ""
    summary: str = ""

    @property
    def is_trusted(self) -> bool:
        """Whether exactly this content was trusted."""
        return self.trusted == self.content

    @property
    def address(self) -> str:
        """The source and what was asked of it, fit to be shown: without a password."""
        return hide_secret(self.source) + (f"@{self.ref}" if self.ref else "")


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: str = SCHEMA
    packs: tuple[Installed, ...] = ()


def find_home() -> Path:
    """Return the folder of all that is installed, which need not exist."""
    return paths.find_data_folder() / "packs"


def find_file() -> Path:
    """Return the path of the registry's file."""
    return find_home() / "registry.json"


def find_copy(record: Installed) -> Path:
    """Return where the copy of an installed pack lies."""
    return find_home() / record.name / record.content[:16]


def read() -> tuple[Installed, ...]:
    """Return the installed packs by name; raises DevlabError where the file is broken."""
    try:
        data = find_file().read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DevlabError(f"cannot read {find_file()}: {error.strerror}") from error
    try:
        found = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _broken(str(error)) from error
    if found.schema != SCHEMA:
        raise _broken(f"its schema is {found.schema!r}, and this devlab reads {SCHEMA!r}")
    if not all(re.fullmatch("[0-9a-f]{64}", one.content) for one in found.packs):
        raise _broken("a pack's content is not a SHA-256")
    return found.packs


def _broken(why: str) -> DevlabError:
    return DevlabError(
        f"{find_file()}: the list of installed packs is broken: {why}",
        hint="mend it, or move it away and add your packs again; no other lab needs it",
    )


def write(packs: Iterator[Installed] | tuple[Installed, ...]) -> None:
    """Replace the list of installed packs; only within `lock_registry`."""
    ordered = tuple(sorted(packs, key=lambda one: one.name))
    draft = find_home() / f"{_DRAFT}registry"
    with draft.open("wb") as stream:
        # A source can hold a password.
        draft.chmod(0o600)
        stream.write(msgspec.json.format(msgspec.json.encode(_File(packs=ordered)), indent=2))
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(find_file())


def put(record: Installed) -> None:
    """Write down a pack, in place of one with its name; only within `lock_registry`."""
    write((*(one for one in read() if one.name != record.name), record))


@contextlib.contextmanager
def lock_registry() -> Iterator[Path]:
    """Be the only process that changes what is installed; yield an empty folder for drafts.

    Whoever comes second waits. What a killed change left behind is taken away first. Raises
    DevlabError where the data folder cannot be written.
    """
    try:
        find_home().mkdir(parents=True, exist_ok=True)
        lock = os.open(find_home() / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DevlabError(f"cannot write to {find_home()}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tidy()
        drafts = find_home() / f"{_DRAFT}folder"
        drafts.mkdir()
        yield drafts
        tidy()
    except OSError as error:
        where = error.filename or find_home()
        raise DevlabError(f"cannot change the packs: {where}: {error.strerror}") from error
    finally:
        remove_tree(find_home() / f"{_DRAFT}folder")
        os.close(lock)


def tidy() -> None:
    """Take away drafts, and copies that the registry does not name; only within `lock_registry`."""
    for draft in find_home().glob(f"{_DRAFT}*"):
        remove_tree(draft)
    wanted = {find_copy(record) for record in read()}
    for copy in find_home().glob("[!.]*/*"):
        if copy not in wanted:
            remove_tree(copy)
    for folder in find_home().glob("[!.]*"):
        if folder.is_dir():
            with contextlib.suppress(OSError):
                folder.rmdir()
