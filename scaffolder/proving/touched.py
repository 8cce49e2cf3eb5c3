"""Which labs a change touches: their own files, their template's, or the grader's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.grading.cache.code import PACKAGE, find_owner
from scaffolder.labs import catalog
from scaffolder.labs.families import list_lab_families
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken


def find_touched_labs(names: Sequence[str], ref: str) -> tuple[str, ...]:
    """Return those labs whose proof may come out otherwise than at the commit `ref`.

    A change of what all families share touches every lab, one of a family the labs that use it.
    Files that git does not know yet count as changed. Raises DevlabError where a lab lies in no
    repository or git does not know `ref`.
    """
    changed: dict[Path, tuple[Path, Collection[Path]]] = {}
    found = []
    for name in names:
        root = catalog.locate(name)
        if root.parent not in changed:
            changed[root.parent] = git.list_changed(root.parent, ref, cancel=CancelToken())
        _, paths = changed[root.parent]
        if any(_touches(path, name, root) for path in paths):
            found.append(name)
    return tuple(found)


def _touches(path: Path, name: str, root: Path) -> bool:
    if path == PACKAGE.parent / "pyproject.toml":
        return True
    try:
        lab = catalog.load_lab(name, graded=False)
        if path.is_relative_to(PACKAGE):
            owner = find_owner(path)
            return owner == "" or owner in {family.name for family in list_lab_families(lab)}
        return path.is_relative_to(root) or path.is_relative_to(catalog.find_template(lab))
    except DevlabError:
        # A lab that cannot be read must be looked at, whatever was changed.
        return True
