"""Packs that installed Python distributions bring, found without importing any of them.

The entry point group is `devlab.labs`; a value is `package` or `package:path`, and the folder that
it names holds labs/.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffolder.core.errors import DevlabError

GROUP = "devlab.labs"


@dataclass(frozen=True)
class PackEntryPoint:
    """An entry point, and the name of the distribution that has it."""

    name: str
    value: str
    distribution: str


def list_entry_points() -> Iterator[PackEntryPoint]:
    """Yield the entry points of our group, by name."""
    if not any(_mentions_group(Path(folder or ".")) for folder in sys.path):
        return
    from importlib import metadata

    for point in sorted(metadata.entry_points(group=GROUP), key=lambda one: one.name):
        yield PackEntryPoint(point.name, point.value, point.dist.name if point.dist else "?")


def _mentions_group(folder: Path) -> bool:
    """Whether metadata in `folder` names our group.

    importlib.metadata takes longer to import than `devlab list` does all the rest; where nothing
    brings labs, which is the rule, nobody waits for it.
    """
    if folder.suffix in (".zip", ".egg"):
        return False
    for path in (*folder.glob("*.dist-info/entry_points.txt"), *folder.glob("*.egg-info/entry_p*")):
        try:
            if GROUP.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def find_folder(entry: PackEntryPoint) -> Path:
    """Return the folder that an entry point names; raises DevlabError where there is none."""
    module, _, inner = entry.value.replace(" ", "").partition(":")
    top, *rest = module.split(".")
    parts = [*rest, *inner.split("/")]
    if ".." in parts or inner.startswith("/"):
        raise DevlabError(f"{entry.value!r} leads out of the package")
    for place in _locations(top):
        folder = Path(place, *parts)
        if (folder / "labs").is_dir():
            return folder
    raise DevlabError(
        f"{entry.value!r} names no folder with labs in it",
        hint="the value is a package, or package:path, whose folder holds labs/",
    )


def _locations(package: str) -> tuple[str, ...]:
    try:
        # Of a top-level package this reads no more than where it is; for one inside of another
        # it would import the other.
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return ()
    return tuple(spec.submodule_search_locations or ()) if spec else ()
