"""Where labs and templates live, and which there are. No other module knows the places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scaffolder.errors import DevlabError
from scaffolder.labfile import did_you_mean, read_lab
from scaffolder.model import Lab

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Return the folder that holds labs/ and templates/: in the wheel, or the source tree."""
    inside = _PACKAGE / "_catalog"
    return inside if inside.is_dir() else _PACKAGE.parent


def lab_ids() -> tuple[str, ...]:
    """Return the ids of all labs, sorted."""
    folder = root() / "labs"
    return tuple(sorted(path.parent.name for path in folder.glob("*/lab.yaml")))


def locate(lab_id: str) -> Path:
    """Return the folder of a lab; raises DevlabError where there is none of that name.

    A name that no lab has may be the path of a lab folder: that of an author at work.
    """
    known = lab_ids()
    if lab_id in known:
        return root() / "labs" / lab_id
    if Path(lab_id, "lab.yaml").is_file():
        return Path(lab_id).resolve()
    raise DevlabError(
        f"there is no lab {lab_id!r}{did_you_mean(lab_id, known)}",
        hint=f"labs: {', '.join(known)}   (devlab list tells more)",
    )


def load(lab_id: str, *, graded: bool = True) -> Lab:
    """Read one lab, by id or folder; raises DevlabError where there is none or it is broken.

    `graded` as for `labfile.read_lab`.
    """
    return read_lab(locate(lab_id), graded=graded)


def labs(*, graded: bool = True) -> Iterator[Lab]:
    """Yield every lab, by id."""
    for lab_id in lab_ids():
        yield load(lab_id, graded=graded)


def template_root(lab: Lab) -> Path:
    """Return the folder of a lab's template; raises DevlabError where it is missing.

    A lab's own neighbours come first: the folder `templates` beside the `labs` that it lies in.
    """
    shelves = [lab.root.parent.parent / "templates", root() / "templates"]
    for shelf in shelves:
        folder = shelf / lab.template
        if (folder / "cookiecutter.json").is_file():
            return folder
    known = sorted(
        {path.parent.name for one in shelves for path in one.glob("*/cookiecutter.json")}
    )
    raise DevlabError(
        f"{lab.root / 'lab.yaml'}: unknown template {lab.template!r}"
        f"{did_you_mean(lab.template, known)}",
        hint=f"templates: {', '.join(known)}",
    )
