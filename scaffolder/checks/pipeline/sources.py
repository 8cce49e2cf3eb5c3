"""The sources that a rehearsal was made of, against those in what it delivers.

A package that holds none of them, or those of another copy, was not made from what was tested.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from scaffolder.checks.pipeline.members import digest_source
from scaffolder.core.folders import UnboundedError, walk_folder

_LIMIT = 1024 * 1024
# What builds write versions into.
_STAMPED = frozenset({"__init__.py", "__about__.py", "__version__.py", "_version.py", "version.py"})
_TESTS = ("test_*.py", "*_test.py", "conftest.py")
# https://packaging.python.org/en/latest/specifications/binary-distribution-format/
_WHEEL = ("METADATA", "WHEEL", "RECORD")


def digest_sources(work: Path) -> dict[str, str]:
    """Return the Python files of a copy, each with the digest of its content."""
    found = {}
    try:
        for entry in walk_folder(work, {".git"}):
            if entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                with Path(entry.path).open("rb") as file:
                    name = Path(entry.path).relative_to(work).as_posix()
                    found[name] = digest_source(file.read(_LIMIT + 1))
    except (OSError, UnboundedError):
        # The copy was made by walking it, so this is rare, and what was found is enough.
        return found
    return found


def find_difference(
    members: Mapping[str, str], sources: Mapping[str, str], contains: str, *, wheel: bool
) -> str:
    """Return what a package lacks of the sources around `contains`, or of a wheel; "" for nothing.

    Tests may be left out, and a file that holds a version may have got another one.
    """
    if wheel and (missing := [each for each in _WHEEL if not _is_in_info(each, members)]):
        return f"is no wheel: it has no {', '.join(missing)} in a .dist-info folder"
    places = list(_around(contains, members))
    if not places:
        return f"does not contain {contains}"
    differences = [_lacking(members, place, sources, contains) for place in places]
    return min(differences, key=len)


def _is_in_info(name: str, members: Mapping[str, str]) -> bool:
    return any(
        len(parts := PurePosixPath(member).parts) == 2
        and parts[0].endswith(".dist-info")
        and parts[1] == name
        for member in members
    )


def _around(contains: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what stands before `contains` wherever it is."""
    for name in names:
        if name == contains or name.endswith(f"/{contains}"):
            yield name.removesuffix(contains)


def _lacking(
    members: Mapping[str, str], place: str, sources: Mapping[str, str], contains: str
) -> str:
    own = min(_around(contains, sources), key=len, default=None)
    folder = contains.rpartition("/")[0]
    if own is None or not folder:
        return ""
    for name, content in sources.items():
        inner = name.removeprefix(own)
        parts = PurePosixPath(inner).parts
        if not name.startswith(f"{own}{folder}/") or _is_test(parts):
            continue
        found = members.get(place + inner)
        if found is None:
            return f"does not contain {inner[:200]}"
        if found != content and parts[-1] not in _STAMPED:
            return f"contains another {inner[:200]} than the commit that was pushed"
    return ""


def _is_test(parts: tuple[str, ...]) -> bool:
    return "tests" in parts or any(fnmatch.fnmatch(parts[-1], pattern) for pattern in _TESTS)
