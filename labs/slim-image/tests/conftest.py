"""What is in the image: its distributions and programs, and bytecode that knows the time.

All of it is read from the image's layers. No program of the image is asked: it could say anything.
"""

import posixpath
import re
from dataclasses import dataclass

import pytest

BUILDERS = {
    "build", "cython", "flit", "flit-core", "hatch", "hatchling", "maturin", "meson", "ninja",
    "pdm", "pip-tools", "poetry", "poetry-core", "scikit-build-core", "uv", "virtualenv",
    "pathspec", "trove-classifiers",  # what hatchling brings along
}  # fmt: skip
PROGRAMS = {
    "c++", "cargo", "cc", "clang", "cmake", "g++", "gcc", "git", "go", "hatch", "ld", "make",
    "npm", "pdm", "poetry", "pyproject-build", "rustc", "uv",
}  # fmt: skip
# As they are called with a version or for a kind of machine: gcc-14, x86_64-linux-gnu-ld.bfd.
_PROGRAM = re.compile(
    r"(?:[a-z0-9_]+-)*(?:%s)(?:-[\d.]+|\.bfd|\.gold)?" % "|".join(map(re.escape, sorted(PROGRAMS)))
)
OF_THE_BASE = {"pip", "setuptools", "wheel"}
# What lies beside distributions and is part of none.
BESIDE = {"pip", "setuptools", "pkg_resources", "wheel", "app", "bin"}
_VENDORED = re.compile(r"/(?:pip|setuptools|pkg_resources)/_vendor/")
_TIME_BASED = 8


@dataclass
class Inside:
    """`distributions`; `programs`, by their paths; `stale` bytecode; `unowned` packages."""

    distributions: list
    programs: list
    stale: list
    unowned: list


@pytest.fixture
def inside(image):
    """What the layers of the image hold."""
    known = image.distributions
    # What another one lists among its own files is a part of it: it brings its dependencies along.
    parts = {path for one in known if one.intact for path in one.files}
    distributions = [
        one
        for one in known
        if not _VENDORED.search(one.folder)
        and not (f"{one.folder}/METADATA" in parts and _is_inside(one, known))
    ]
    sites = {
        posixpath.dirname(one.folder) for one in distributions if one.name not in OF_THE_BASE
    }
    # Whoever compiles may leave the sources out.
    services = {
        posixpath.dirname(file.path).removesuffix("/__pycache__")
        for file in image.glob("*/app/*")
        if re.match(r"wsgi\.(?:.*\.)?pyc?$", posixpath.basename(file.path))
    }
    return Inside(
        distributions=distributions,
        programs=_programs(image),
        stale=_stale(image, sites | services),
        unowned=_unowned(image, sites, distributions),
    )


def _is_inside(one, known):
    """Whether a distribution lies within the package of another one, as vendored ones do."""
    sites = {posixpath.dirname(other.folder) for other in known if other is not one}
    site = posixpath.dirname(one.folder)
    return any(site.startswith(f"{other}/") and site != other for other in sites)


def _programs(image):
    """Programs by their names, also where the name is a link: gcc is one to gcc-14."""
    found = []
    for path, file in image.files.items():
        if _PROGRAM.fullmatch(posixpath.basename(path)) and file.kind in ("file", "link"):
            program = image.resolve(path)
            if program is not None and program.executable:
                found.append(path)
    return sorted(found)


def _stale(image, folders):
    """Bytecode that holds a time. PEP 552: the lowest bit of the flags stands for a hash."""
    compiled = [
        file.path
        for file in image.glob("*.pyc")
        if any(_is_compiled_from(folder, file.path) for folder in folders) and not _of_base(file)
    ]
    heads = image.read_all(compiled, _TIME_BASED)
    return sorted(path for path, head in heads.items() if len(head) > 4 and not head[4] & 1)


def _is_compiled_from(folder, path):
    """Whether bytecode has its source in a folder.

    With PYTHONPYCACHEPREFIX the whole path of the source lies below another folder, in which there
    is no __pycache__.
    """
    elsewhere = f"{folder}/" in path and "/__pycache__/" not in path
    return path.startswith(f"{folder}/") or elsewhere


def _of_base(file):
    """Whether a file belongs to what bases bring: pip and its kin are theirs to compile."""
    names = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")
    return any(f"/site-packages/{name}/" in file.path for name in names)


def _unowned(image, sites, distributions):
    """Packages beside the distributions that no distribution lists: installed all the same."""
    owned = {path for one in distributions for path in one.files}
    found = set()
    for file in image.glob("*.py"):
        for site in sites:
            name, inner, _ = file.path.removeprefix(f"{site}/").partition("/")
            if not file.path.startswith(f"{site}/") or not inner or file.base:
                continue
            if file.path not in owned and name not in BESIDE and not name.startswith(("_", ".")):
                found.add(f"{site}/{name}")
    return sorted(found)
