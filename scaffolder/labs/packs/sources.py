"""Where a pack can be fetched from: a folder, or a git repository at some ref."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.labs.packs import content
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken

_URL = re.compile(r"(?P<before>(https?|ssh|git|file)://[^/]*/)(?P<path>.+)")
_SCP = re.compile(r"(?P<before>([\w.-]+@)?[\w.-]+:)(?P<path>[^:].*)")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")


@dataclass(frozen=True)
class PackSource:
    """Where a pack comes from. `ref` is a branch, a tag or a commit; empty for the default one."""

    address: str
    git: bool
    ref: str = ""

    @property
    def default_name(self) -> str:
        """What a pack from here is called that does not say its name itself."""
        last = re.split(r"[/:]", self.address.rstrip("/"))[-1]
        return last.removesuffix(".git")

    def fetch(self, target: Path) -> str:
        """Copy the pack into the new folder `target`; return the commit, or "" for a folder.

        Raises DevlabError where there is no such thing or it may not be a pack, UnavailableError
        where the network or git is missing.
        """
        if not self.git:
            if not Path(self.address).is_dir():
                raise DevlabError(f"{self.address}: there is no such folder any more")
            content.copy(Path(self.address), target)
            return ""
        clone = target.with_name(f"{target.name}.git")
        clone.mkdir()
        commit = git.fetch(self.address, self.ref, clone, cancel=CancelToken())
        content.copy(clone, target)
        return commit


def parse_source(text: str) -> PackSource:
    """Return what `DIR`, `GIT-URL` or either with `@REF` means.

    A folder is copied as it is; a bare repository, or a folder with a ref, is fetched by git.
    Raises DevlabError for anything else.
    """
    if text.startswith("-") or not text.isprintable():
        raise DevlabError(f"{text!r} is neither a folder nor a git URL")
    folder = _folder(text)
    if folder is not None:
        return PackSource(str(folder), git=(folder / "HEAD").is_file())
    before, _, ref = text.rpartition("@")
    folder = _folder(before) if before else None
    if folder is not None:
        return PackSource(str(folder), git=True, ref=check_ref(ref))
    match = _URL.fullmatch(text) or _SCP.fullmatch(text)
    if match is None:
        raise DevlabError(
            f"{text!r} is neither a folder that is here nor a git URL",
            hint="for example: ./my-labs   https://host/org/my-labs.git@v1   git@host:org/my-labs",
        )
    path, ref = _split_ref(match["path"])
    return PackSource(match["before"] + path, git=True, ref=check_ref(ref) if ref else "")


def _folder(text: str) -> Path | None:
    folder = Path(text).expanduser()
    return folder.resolve() if folder.is_dir() else None


def _split_ref(path: str) -> tuple[str, str]:
    """Split `org/repo@ref`; an `@` that begins a part of the path, as a scope does, is no ref's."""
    before, at, ref = path.rpartition("@")
    return (before, ref) if at and before and not before.endswith("/") else (path, "")


def check_ref(ref: str) -> str:
    """Return a ref that git takes for nothing else; raises DevlabError for any other text."""
    if not _REF.fullmatch(ref) or ".." in ref:
        raise DevlabError(f"{ref!r} is no branch, tag or commit", hint="GIT-URL@REF, such as @v1.2")
    return ref
