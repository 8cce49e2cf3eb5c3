"""Add, update, remove and trust packs. Each change happens as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scaffolder.core.suggest import suggest_name
from scaffolder.core.errors import DevlabError
from scaffolder.core.folders import remove_tree
from scaffolder.labs.lab_file import read_lab
from scaffolder.labs.packs import code, content, description, registry, trusted
from scaffolder.labs.packs.code import Code
from scaffolder.labs.packs.registry import Installed
from scaffolder.labs.packs.sources import PackSource, check_ref, parse_source
from scaffolder.labs.packs.trusted import FileChange


@dataclass(frozen=True)
class Added:
    """A pack that was installed, its labs, and what is wrong with those that cannot be used."""

    record: Installed
    labs: tuple[str, ...]
    broken: Mapping[str, str]


@dataclass(frozen=True)
class Updated:
    """An update: the record before and after, and what changed, such as `+ labs/new`.

    `since_trust` are the files that differ from what was trusted, where the pack was.
    """

    before: Installed
    after: Installed
    changes: tuple[str, ...]
    since_trust: tuple[FileChange, ...] = ()

    @property
    def distrusted(self) -> bool:
        """Whether the pack was trusted before, and its new content is not."""
        return self.before.is_trusted and not self.after.is_trusted


def add_pack(text: str, name: str = "") -> Added:
    """Install the pack that `text` (DIR or GIT-URL, perhaps with @REF) names, as `name` if given.

    Raises DevlabError where there is none, one of that name is installed, or no lab in it can be
    used.
    """
    source = parse_source(text)
    with registry.lock_registry() as drafts:
        record, draft = _fetch(source, drafts, name)
        taken = {one.name: one for one in registry.read()}
        if record.name in taken:
            raise _taken(taken[record.name], record)
        broken = _broken_labs(draft)
        labs = _lab_names(draft)
        if len(broken) == len(labs):
            raise DevlabError(
                f"no lab in {record.address} can be used: "
                + ("; ".join(broken.values()) or "there is none")
            )
        _place(record, draft)
    return Added(record, labs, broken)


def _taken(there: Installed, wanted: Installed) -> DevlabError:
    other_ref = there.source == wanted.source and there.ref != wanted.ref
    move = f"@{wanted.ref}" if other_ref and wanted.ref else ""
    return DevlabError(
        f"a pack {there.name} is installed already, from {there.address}",
        hint=f"devlab pack update {there.name}{move}   "
        + (f"moves it to {wanted.ref}; " if move else "")
        + "or choose another name: --name NAME",
    )


def update_pack(text: str) -> Updated:
    """Fetch an installed pack, NAME or NAME@REF, again; with a ref it follows that one from now on.

    Raises DevlabError, and keeps what is there, where the new one cannot be fetched or breaks a
    lab that worked.
    """
    with registry.lock_registry() as drafts:
        name, at, ref = text.partition("@")
        before = require_pack(name)
        source = PackSource(
            before.source, before.git or bool(at), check_ref(ref) if at else before.ref
        )
        fetched, draft = _fetch(source, drafts, before.name)
        kept = before.trusted if fetched.content == before.content else ""
        after = msgspec.structs.replace(fetched, trusted=kept)
        old = registry.find_copy(before)
        _require_no_worse(name, old, draft)
        changes = _changes(old, draft)
        since = trusted.find_changes(name, draft) if before.is_trusted else None
        _place(after, draft)
    return Updated(before, after, changes, since or ())


def _require_no_worse(name: str, old: Path, new: Path) -> None:
    broken = _broken_labs(new)
    worse = [broken[lab] for lab in broken.keys() - _broken_labs(old).keys()]
    if worse or broken.keys() == set(_lab_names(new)):
        why = "; ".join(sorted(worse) or broken.values()) or "it has no labs"
        raise DevlabError(f"the new version of {name} is broken, and the old one stays: {why}")


def remove_pack(name: str) -> Installed:
    """Take an installed pack away; return what it was. Raises DevlabError where there is none."""
    with registry.lock_registry():
        record = require_pack(name)
        registry.write(one for one in registry.read() if one.name != name)
        trusted.forget_files(name)
    return record


def trust_pack(name: str, agree: Callable[[Installed, tuple[Code, ...]], bool]) -> bool:
    """Let the code of a pack run if `agree`, which is shown all of it, says so; return that.

    What is trusted is exactly the content that was shown. Raises DevlabError where no such pack is
    installed or its copy was changed.
    """
    with registry.lock_registry():
        record = require_pack(name)
        root = registry.find_copy(record)
        if not root.is_dir() or content.digest(root) != record.content:
            raise DevlabError(
                f"the pack {name} is not what was installed: {root} was changed",
                hint=f"fetch it again with: devlab pack update {name}",
            )
    if not agree(record, code.find(root)):
        return False
    with registry.lock_registry():
        if require_pack(name).content != record.content:
            raise DevlabError(f"the pack {name} was updated meanwhile; look at it again")
        registry.put(msgspec.structs.replace(require_pack(name), trusted=record.content))
        trusted.keep_files(name, root)
    return True


def require_pack(name: str) -> Installed:
    """Return an installed pack; raises DevlabError, with the nearest, where there is none."""
    known = {one.name: one for one in registry.read()}
    if name not in known:
        raise DevlabError(
            f"no pack {name!r} is installed{suggest_name(name, known)}",
            hint=f"installed: {', '.join(known) or 'none'}",
        )
    return known[name]


def _fetch(source: PackSource, drafts: Path, name: str) -> tuple[Installed, Path]:
    """Return the record of what `source` holds now, and its copy among the drafts."""
    draft = drafts / "pack"
    commit = source.fetch(draft)
    told = description.read(draft, name or source.default_name)
    record = Installed(
        name=name or told.name,
        source=source.address,
        git=source.git,
        ref=source.ref,
        commit=commit,
        content=content.digest(draft),
        title=told.title,
        summary=told.summary,
    )
    if not description.is_id(record.name):
        raise DevlabError(
            f"{record.name!r} cannot be the name of a pack",
            hint="a name is lower-case words joined by hyphens, such as my-labs",
        )
    return record, draft


def _place(record: Installed, draft: Path) -> None:
    """Move a draft to its place and write it down, which makes it installed."""
    folder = registry.find_copy(record)
    folder.parent.mkdir(exist_ok=True)
    # What is there already and right is never gone, not even for the moment of a kill.
    if not _holds(folder, record.content):
        remove_tree(folder)
        draft.rename(folder)
    registry.put(record)


def _holds(folder: Path, wanted: str) -> bool:
    try:
        return content.digest(folder) == wanted
    except (DevlabError, OSError):
        return False


def _lab_names(root: Path) -> tuple[str, ...]:
    return tuple(path.parent.name for path in sorted((root / "labs").glob("*/lab.yaml")))


def _broken_labs(root: Path) -> dict[str, str]:
    """Return why the labs of a pack that cannot be used cannot be."""
    broken = {}
    for name in _lab_names(root):
        try:
            read_lab(root / "labs" / name)
        except DevlabError as error:
            broken[name] = error.message.replace(f"{root}/", "")
        if not description.is_id(name):
            broken[name] = f"labs/{name}: a lab's name is lower-case words joined by hyphens"
    return broken


def _changes(old: Path, new: Path) -> tuple[str, ...]:
    before, after = _parts(old), _parts(new)
    return tuple(
        f"{'+' if part not in before else '-' if part not in after else '~'} {part}"
        for part in sorted({*before, *after})
        if before.get(part) != after.get(part)
    )


def _parts(root: Path) -> dict[str, str]:
    """Return the digest of each lab and each template of a pack."""
    found = {}
    for folder in (*root.glob("labs/*"), *root.glob("templates/*")):
        try:
            found[str(folder.relative_to(root))] = content.digest(folder)
        except (DevlabError, OSError):
            found[str(folder.relative_to(root))] = ""
    return found
