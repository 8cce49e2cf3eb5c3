"""Labs of others: which packs there are, where they come from, and whether their code may run.

A pack is a folder with `labs/<id>/`, perhaps `templates/<name>/` and `pack.yaml`. It is data: what
may run in it is for its user to say. There are three ways for one to be here:

- installed by `devlab pack add`: a copy in the user's data folder, pinned to its content;
- a folder that DEVLAB_LABS names, used in place: an author at work, who trusts their own;
- brought by a Python distribution, whose code could run anyway.

Looking for packs runs no code of theirs and raises nothing: what is wrong with one is a problem
of that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from scaffolder.core import settings
from scaffolder.core.errors import DevlabError
from scaffolder.model import Problem
from scaffolder.labs.packs import content, description, registry
from scaffolder.labs.packs.description import is_id
from scaffolder.labs.packs.registry import Installed


class Origin(StrEnum):
    """The three ways for a pack to be here."""

    INSTALLED = "installed"
    FOLDER = "folder"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True)
class Pack:
    """A pack that is here: `root` holds labs/ and templates/, `source` says where it came from.

    `record` is what the registry knows, for one that is installed.
    """

    name: str
    root: Path
    origin: Origin
    source: str
    title: str = ""
    record: Installed | None = None

    @property
    def trusted(self) -> bool:
        """Whether code that it brings may run."""
        return self.record is None or self.record.is_trusted

    def labs(self) -> dict[str, Path]:
        """Return the folders of its labs by their ids, `pack/lab`."""
        folders = (path.parent for path in sorted((self.root / "labs").glob("*/lab.yaml")))
        return {f"{self.name}/{one.name}": one for one in folders if is_id(one.name)}

    def require_unchanged(self) -> None:
        """Raise DevlabError where an installed pack is not what was installed."""
        if self.record is None:
            return
        try:
            found = content.digest(self.root)
        except (DevlabError, OSError):
            found = ""
        if found != self.record.content:
            raise DevlabError(
                f"the pack {self.name} is not what was installed: {self.root} was changed",
                hint=f"fetch it again with: devlab pack update {self.name}   "
                f"or take it away with: devlab pack remove {self.name}",
            )


@dataclass(frozen=True)
class Found:
    """The packs that can be used, by name, and what is wrong with the others."""

    packs: dict[str, Pack]
    problems: tuple[Problem, ...]

    def labs(self) -> dict[str, tuple[Pack, Path]]:
        """Return every lab of every pack by its id."""
        return {
            lab_id: (pack, folder)
            for pack in self.packs.values()
            for lab_id, folder in pack.labs().items()
        }


def find() -> Found:
    """Return every pack that is here. An author's own folder comes first where two share a name."""
    packs: dict[str, Pack] = {}
    problems: list[Problem] = []
    for one in (*_folders(), *_installed(), *_brought()):
        if isinstance(one, Problem):
            problems.append(one)
        elif one.name in packs:
            used = packs[one.name]
            problems.append(
                Problem(
                    f"two packs are called {one.name}: {used.source} is used, {one.source} is not",
                    hint="name it otherwise: `name` in pack.yaml, or devlab pack add --name NAME",
                )
            )
        else:
            packs[one.name] = one
            problems += _misnamed_labs(one)
    return Found(packs, tuple(problems))


def _misnamed_labs(pack: Pack) -> list[Problem]:
    return [
        Problem(f"{path.parent}: a lab's folder is named in lower-case words joined by hyphens")
        for path in sorted((pack.root / "labs").glob("*/lab.yaml"))
        if not is_id(path.parent.name)
    ]


def _folders() -> Iterator[Pack | Problem]:
    for name in settings.read_lab_folders():
        yield _in_place(Path(name).expanduser().resolve(), Origin.FOLDER, name)


def _in_place(root: Path, origin: Origin, source: str, name: str = "") -> Pack | Problem:
    """Return the pack that lies in `root`, or why there is none."""
    try:
        told = description.read(root, name or root.name)
    except DevlabError as error:
        return Problem(error.message, hint=error.hint)
    return Pack(told.name, root, origin, source, told.title)


def _installed() -> Iterator[Pack | Problem]:
    try:
        records = registry.read()
    except DevlabError as error:
        yield Problem(error.message, hint=error.hint)
        return
    for record in records:
        root = registry.find_copy(record)
        if (root / "labs").is_dir():
            yield Pack(record.name, root, Origin.INSTALLED, record.address, record.title, record)
        else:
            yield Problem(
                f"the pack {record.name} is gone from {root}",
                hint=f"fetch it again with: devlab pack update {record.name}",
            )


def _brought() -> Iterator[Pack | Problem]:
    from scaffolder.labs.packs import distributions

    for entry in distributions.list_entry_points():
        source = f"entry point {entry.name} of the distribution {entry.distribution}"
        try:
            root = distributions.find_folder(entry)
        except DevlabError as error:
            yield Problem(f"{source}: {error.message}", hint=error.hint)
        else:
            yield _in_place(root, Origin.DISTRIBUTION, source, re.sub("_+", "-", entry.name))
