"""Where labs and templates live, and which there are. No other module knows the places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scaffolder.labs import packs
from scaffolder.core.suggest import suggest_name
from scaffolder.core.errors import DevlabError
from scaffolder.labs.lab_file import read_lab
from scaffolder.model import Lab, Problem
from scaffolder.labs.packs import Pack, registry
from scaffolder.labs.packs.description import is_id
from scaffolder.workspace import Manifest

_PACKAGE = Path(__file__).resolve().parent.parent
# Python refuses to write down a number of thousands of digits, and one lab must not hide others.
_NUMBER_LIMIT = 1_000_000


@dataclass(frozen=True)
class _Place:
    """Where a lab lies, under which id it is known, and the pack that brings it, if one does."""

    lab_id: str
    folder: Path
    pack: Pack | None = None

    def read(self, *, graded: bool, learner: str = "") -> Lab:
        lab = read_lab(self.folder, graded=graded, learner=learner)
        if max(lab.minutes, lab.points) > _NUMBER_LIMIT:
            raise DevlabError(
                f"{self.folder / 'lab.yaml'}: more than {_NUMBER_LIMIT:,} minutes or points"
            )
        if self.pack is None:
            return lab
        return msgspec.structs.replace(lab, id=self.lab_id, trusted=self.pack.trusted)


@dataclass(frozen=True)
class Survey:
    """All labs that can be read, those that cannot, by id, and what is wrong with packs."""

    labs: tuple[Lab, ...]
    broken: dict[str, Problem]
    problems: tuple[Problem, ...]


def find_root() -> Path:
    """Return the folder that holds labs/ and templates/: in the wheel, or the source tree."""
    inside = _PACKAGE / "_catalog"
    return inside if inside.is_dir() else _PACKAGE.parent


def list_lab_ids() -> tuple[str, ...]:
    """Return the ids of all labs: ours, then `pack/lab` of every pack."""
    return (*sorted(_own()), *sorted(packs.find().labs()))


def list_nearby_labs() -> tuple[str, ...]:
    """Return the labs that an author means who names none, as `load_lab` takes them.

    Those in the folder labs/ where they stand, or else all that there are.
    """
    here = sorted(str(path.parent) for path in Path("labs").glob("*/lab.yaml"))
    return tuple(here) or list_lab_ids()


def locate(lab_id: str) -> Path:
    """Return the folder of a lab; raises DevlabError where there is none of that name.

    A name that no lab has may be the path of a lab folder: that of an author at work.
    """
    return _find(lab_id, paths=True).folder


def load_lab(lab_id: str, *, graded: bool = True, learner: str = "") -> Lab:
    """Read one lab, by id or folder; raises DevlabError where there is none or it is broken.

    A lab of an installed pack is broken where the pack is not what was installed. `graded` and
    `learner` as for `labfile.read_lab`.
    """
    return _load(_find(lab_id, paths=True), graded=graded, learner=learner)


def load_by_id(lab_id: str, *, graded: bool = True, learner: str = "") -> Lab:
    """Read the lab that somebody's file names, as `load_lab`; a path in it is not followed.

    Otherwise a learner's manifest could name a lab of the learner's own.
    """
    return _load(_find(lab_id, paths=False), graded=graded, learner=learner)


def load_for_workspace(manifest: Manifest, *, graded: bool = True, learner: str = "") -> Lab:
    """Read the lab that a workspace was made from, as the learner whom it was made for has it.

    With `learner`, as that one has it, whatever the manifest says: it is in the learner's hands.
    """
    return load_by_id(manifest.lab.id, graded=graded, learner=learner or manifest.learner_id)


def load_labs(*, graded: bool = True) -> Iterator[Lab]:
    """Yield every lab, by id; raises DevlabError at one that is broken."""
    for place in _places():
        yield _load(place, graded=graded)


def survey() -> Survey:
    """Return what there is to show: a broken lab or pack hides no other.

    Checks are left out, and nothing is verified: what is only shown need not be.
    """
    found: list[Lab] = []
    broken: dict[str, Problem] = {}
    for place in _places():
        try:
            found.append(place.read(graded=False))
        except DevlabError as error:
            broken[place.lab_id] = Problem(error.message, hint=error.hint)
    return Survey(tuple(found), broken, packs.find().problems)


def _own() -> dict[str, Path]:
    return {path.parent.name: path.parent for path in (find_root() / "labs").glob("*/lab.yaml")}


def _places() -> list[_Place]:
    ours = [_Place(lab_id, folder) for lab_id, folder in sorted(_own().items())]
    theirs = sorted(packs.find().labs().items())
    return [*ours, *(_Place(lab_id, folder, pack) for lab_id, (pack, folder) in theirs)]


def _find(name: str, *, paths: bool) -> _Place:
    # No id of ours has a slash, so a pack cannot shadow us, and ours need no search for packs.
    folder = _own().get(name)
    if folder is not None:
        return _Place(name, folder)
    found = packs.find()
    theirs = found.labs()
    if name in theirs:
        return _Place(name, theirs[name][1], theirs[name][0])
    if paths and Path(name, "lab.yaml").is_file():
        folder = Path(name).resolve()
        pack = find_pack_around(folder)
        return _Place(name if pack is None else f"{pack.name}/{folder.name}", folder, pack)
    if paths and Path("labs", name, "lab.yaml").is_file():
        raise DevlabError(
            f"there is no lab {name!r} among those that devlab knows",
            hint=f"the one of this folder is named by its path: labs/{name}",
        )
    raise _unknown(name, found)


def find_pack_around(folder: Path) -> Pack | None:
    """Return the pack that a lab's folder lies in, or None for a lab that stands alone.

    Whoever names such a folder by its path trusts it no more than by its id. Raises DevlabError
    for one that lies among the packs and belongs to none of them.
    """
    for pack in packs.find().packs.values():
        here = pack.root.resolve()
        if folder.parent == here / "labs" or (pack.record and folder.is_relative_to(here)):
            return pack
    if folder.is_relative_to(registry.find_home().resolve()):
        raise DevlabError(
            f"{folder} belongs to no pack that is installed",
            hint="devlab pack list shows the packs; to work on a lab, copy it elsewhere",
        )
    return None


def _load(place: _Place, *, graded: bool, learner: str = "") -> Lab:
    if place.pack is not None:
        place.pack.require_unchanged()
    return place.read(graded=graded, learner=learner)


def _unknown(name: str, found: packs.Found) -> DevlabError:
    pack, slash, _ = name.partition("/")
    if slash and is_id(pack) and pack not in found.packs:
        why = "; ".join(one.message for one in found.problems)
        return DevlabError(
            f"there is no lab {name!r}: no pack {pack!r} can be used here"
            f"{suggest_name(pack, found.packs)}{f' ({why})' if why else ''}",
            hint="add the pack with: devlab pack add DIR|GIT-URL[@REF]",
        )
    known = [*sorted(_own()), *sorted(found.labs())]
    return DevlabError(
        f"there is no lab {name!r}{suggest_name(name, known)}",
        hint=f"labs: {', '.join(known)}   (devlab list tells more); "
        "DEVLAB_LABS=FOLDER adds those of an author's FOLDER/labs/",
    )


def find_template(lab: Lab) -> Path:
    """Return the folder of a lab's template; raises DevlabError where it is missing.

    A lab's own neighbours come first: the folder `templates` beside the `labs` that it lies in.
    """
    shelves = [lab.root.parent.parent / "templates", find_root() / "templates"]
    for shelf in shelves:
        folder = shelf / lab.template
        if (folder / "cookiecutter.json").is_file():
            return folder
    known = sorted(
        {path.parent.name for one in shelves for path in one.glob("*/cookiecutter.json")}
    )
    raise DevlabError(
        f"{lab.root / 'lab.yaml'}: unknown template {lab.template!r}"
        f"{suggest_name(lab.template, known)}",
        hint=f"templates: {', '.join(known)}",
    )
