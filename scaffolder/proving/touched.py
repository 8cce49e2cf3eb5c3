"""Which labs a change touches: their own files, their template's, or the grader's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.labs import catalog
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken

# Parts of devlab that no verdict depends on, and what is no part of it.
_WITHOUT_INFLUENCE = frozenset({"authoring", "cli", "progress", "report", "revise", "watch"})
_GRADER = ("scaffolder", "pyproject.toml")


def touched(names: Sequence[str], ref: str) -> tuple[str, ...]:
    """Return those labs whose proof may come out otherwise than at the commit `ref`.

    A change of the grader itself touches every lab of the same repository. Files that git does not
    know yet count as changed. Raises DevlabError where a lab lies in no repository or git does not
    know `ref`.
    """
    changed: dict[Path, tuple[Path, Collection[Path]]] = {}
    found = []
    for name in names:
        root = catalog.locate(name)
        if root.parent not in changed:
            changed[root.parent] = git.changed_since(root.parent, ref, cancel=CancelToken())
        repository, paths = changed[root.parent]
        if any(_touches(path.relative_to(repository), path, name, root) for path in paths):
            found.append(name)
    return tuple(found)


def _touches(relative: Path, path: Path, name: str, root: Path) -> bool:
    if relative.parts[0] in _GRADER:
        return relative.parts[1:2] == () or relative.parts[1] not in _WITHOUT_INFLUENCE
    if path.is_relative_to(root):
        return True
    try:
        return path.is_relative_to(catalog.template_root(catalog.load(name, graded=False)))
    except DevlabError:
        # A lab that cannot be read must be looked at, whatever was changed.
        return True
