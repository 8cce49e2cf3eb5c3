"""The offline wheel cache: what the healthy app needs to install, fetched once.

A wheelhouse is a folder of wheels for one version of Python, named by what was asked of it, so
that it is never changed after it is there: it is filled beside its place and renamed into it.
Only wheels are ever fetched; nobody's setup.py runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scaffolder.core import paths
from scaffolder.core.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.network import names_failure
from scaffolder.tools.processes import CancelToken, Completed, Ending

FETCH_SECONDS = 180.0
QUERY_SECONDS = 10.0
# What pipelines install beside the requirements of the app.
USUAL = ("build", "pip", "setuptools", "wheel")
OLDEST_MINOR = 10

_PYPI = "https://pypi.org/simple"
_INDEX = re.compile(r"""(?:global|download|install|:env:)\.index-url=["'](?P<address>[^"']+)["']""")
_NO_SUCH = ("No matching distribution found", "ResolutionImpossible", "conflicting dependencies")
_QUERY = (
    "import json, sys, sysconfig; print(json.dumps([sys.implementation.name, *sys.version_info[:2],"
    " bool(sysconfig.get_config_var('Py_GIL_DISABLED')), getattr(sys, '_base_executable', '')]))"
)


def list_requirements(project: Path) -> tuple[str, ...]:
    """Return what the requirements files and the build system of a project of ours ask for.

    Only plain requirements count: no options, addresses or paths.
    """
    wanted: dict[str, None] = {}
    for file in sorted(project.glob("requirements*.txt")):
        wanted |= dict.fromkeys(parse_requirements(file.read_text("utf-8")))
    metadata = project / "pyproject.toml"
    if metadata.is_file():
        system = tomllib.loads(metadata.read_text("utf-8")).get("build-system", {})
        wanted |= dict.fromkeys(system.get("requires", []))
    return tuple(wanted)


def parse_requirements(text: str) -> tuple[str, ...]:
    """Return the plain requirements of a requirements file: no options, addresses or paths.

    Hashes behind a requirement are left out.
    """
    lines = (re.split(r"(?:^|\s)#|\s--hash\b", line)[0] for line in text.splitlines())
    stripped = (line.rstrip("\\").strip() for line in lines)
    return tuple(line for line in stripped if is_plain_requirement(line))


def is_plain_requirement(text: str) -> bool:
    """Whether a text names a package of an index: no address, path or option gets through."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text).url is None
    except InvalidRequirement:
        return False


def find_pythons(cancel: CancelToken) -> dict[int, Path]:
    """Return the Pythons of this machine by minor version: the one that runs devlab, and others.

    They are looked for on PATH and where pyenv, uv and hosted runners put them, and asked what
    they are: a name says little.
    """
    return choose_preferred(list_interpreters(cancel))


def choose_preferred(known: Iterable[tuple[int, Path]]) -> dict[int, Path]:
    """Return the first Python of each minor version."""
    found: dict[int, Path] = {}
    for minor, path in known:
        found.setdefault(minor, path)
    return dict(sorted(found.items()))


def list_interpreters(cancel: CancelToken) -> tuple[tuple[int, Path], ...]:
    """Return every usable Python that was found, the preferred one of a version first."""
    answers = (ask_python(candidate, cancel) for candidate in dict.fromkeys(_candidates()))
    return tuple(dict.fromkeys(answer for answer in answers if answer is not None))


def _candidates() -> Iterable[Path]:
    yield Path(sys.executable)
    names = [f"python3.{minor}" for minor in range(OLDEST_MINOR, 16)]
    on_path = [shutil.which(name) for name in names]
    # A shim of pyenv is a slow script; what it would start is found below.
    yield from (Path(path) for path in on_path if path and Path(path).parent.name != "shims")
    with contextlib.suppress(RuntimeError):
        home = Path.home()
        for root, pattern in (
            (home / ".pyenv" / "versions", "3.*/bin/python3"),
            (home / ".local" / "share" / "uv" / "python", "cpython-3.*/bin/python3"),
            (Path("/opt/hostedtoolcache/Python"), "3.*/*/bin/python3"),
        ):
            yield from sorted(root.glob(pattern), reverse=True)
    # Commands of the work find these, also where another one is preferred here.
    for folder in ("/usr/local/bin", "/usr/bin"):
        yield from (path for name in names if (path := Path(folder, name)).is_file())


def ask_python(python: Path, cancel: CancelToken) -> tuple[int, Path] | None:
    """Return the minor version of a usable Python and the executable that it really is."""
    try:
        asked = processes.run((python, "-I", "-c", _QUERY), timeout=QUERY_SECONDS, cancel=cancel)
        name, major, minor, freethreaded, base = json.loads(asked.stdout)
    except (UnavailableError, ValueError):
        return None
    usable = name == "cpython" and major == 3 and minor >= OLDEST_MINOR and not freethreaded
    return (minor, Path(base) if base else python) if usable and asked.ok else None


def prepare(wanted: Sequence[str], minor: int, cancel: CancelToken) -> Path:
    """Return a folder with wheels of everything in `wanted` for Python 3.`minor`.

    Fetches them where they are not there yet. Raises UnavailableError without network.
    """
    asked = sorted({*wanted, *USUAL})
    target = _place(asked, minor)
    if not target.is_dir():
        with tempfile.TemporaryDirectory(prefix="new-", dir=find_root()) as made:
            done = _fetch(asked, minor, Path(made) / "wheels", cancel)
            if not done.ok:
                raise _unavailable(asked, minor, done)
            # Somebody else may have been quicker; the content is the same.
            with contextlib.suppress(OSError):
                (Path(made) / "wheels").rename(target)
    return target


def has(wanted: Sequence[str], minor: int) -> bool:
    """Whether `prepare` has nothing to fetch."""
    return _place(sorted({*wanted, *USUAL}), minor).is_dir()


def _place(asked: Sequence[str], minor: int) -> Path:
    key = hashlib.sha256("\n".join((*asked, sys.platform)).encode()).hexdigest()[:16]
    return find_root() / f"py3{minor}-{key}"


def find_index(cancel: CancelToken) -> str:
    """Return the address of the package index that `prepare` fetches from, as pip is set up."""
    asked = (_pip_python(cancel), "-m", "pip", "config", "list")
    done = processes.run(asked, timeout=QUERY_SECONDS, cancel=cancel)
    # A later file, and the environment last of all, wins.
    chosen = [
        found["address"] for line in done.stdout.splitlines() if (found := _INDEX.match(line))
    ]
    return chosen[-1] if chosen else _PYPI


def find_extra_folder(minor: int) -> Path:
    """Return the folder of wheels for Python 3.`minor` that pipelines asked for beyond the app."""
    folder = find_root() / f"extra-py3{minor}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def add_wheels(wanted: Sequence[str], minor: int, cancel: CancelToken) -> bool:
    """Fetch wheels that a pipeline asked for into `find_extra_folder`.

    Returns False where there is no such package. Raises UnavailableError without network.
    """
    plain = [each for each in wanted if is_plain_requirement(each)]
    if not plain:
        return False
    with tempfile.TemporaryDirectory(prefix="new-", dir=find_root()) as made:
        done = _fetch(plain, minor, Path(made), cancel)
        if done.ok:
            for wheel in Path(made).iterdir():
                wheel.replace(find_extra_folder(minor) / wheel.name)
            return True
    if any(phrase in done.output for phrase in _NO_SUCH) and not _network_lines(done):
        return False
    raise _unavailable(plain, minor, done)


def find_root() -> Path:
    """Return the folder of everything that is kept here, created if need be."""
    folder = paths.find_cache_folder() / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fetch(wanted: Sequence[str], minor: int, folder: Path, cancel: CancelToken) -> Completed:
    argv = [
        *(str(_pip_python(cancel)), "-m", "pip", "download", "--quiet"),
        *("--disable-pip-version-check", "--no-input", "--retries", "1"),
        *("--only-binary=:all:", "--python-version", f"3.{minor}", "--implementation", "cp"),
        *("--dest", str(folder), "--", *wanted),
    ]
    return processes.run(argv, timeout=FETCH_SECONDS, cancel=cancel)


def _pip_python(cancel: CancelToken) -> Path:
    """Return a Python with pip: this one, or one made for the purpose."""
    if importlib.util.find_spec("pip") is not None:
        return Path(sys.executable)
    folder = find_root().parent / f"pip-{sys.version_info.major}{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not python.exists():
        with tempfile.TemporaryDirectory(prefix="new-", dir=find_root()) as made:
            place = Path(made) / "venv"
            done = processes.run(
                (sys.executable, "-m", "venv", place), timeout=FETCH_SECONDS, cancel=cancel
            )
            if not done.ok:
                raise UnavailableError("there is no pip to fetch wheels with", hint=_PIP_HINT)
            with contextlib.suppress(OSError):
                place.rename(folder)
    return python


_PIP_HINT = f"{sys.executable} -m ensurepip"


def _network_lines(done: Completed) -> list[str]:
    """Return the lines in which pip says that it reached no index."""
    lines = (line.strip() for line in done.output.splitlines())
    return [line for line in lines if "Could not fetch URL" in line or names_failure(line)]


def _unavailable(wanted: Sequence[str], minor: int, done: Completed) -> UnavailableError:
    said = _network_lines(done)
    why = said[-1] if said else " ".join(done.tail(1))
    if done.ending is not Ending.EXITED:
        why = "took too long"
    shown = ", ".join(wanted[:4]) + (", ..." if len(wanted) > 4 else "")
    return UnavailableError(
        f"the wheels that the work installs are not in the cache and cannot be fetched: {why}",
        hint=f"connect to a package index once and check again (wanted for 3.{minor}: {shown})",
    )


def find_uv() -> Path:
    """Return where uv is; it comes as a wheel with devlab."""
    from uv import find_uv_bin  # here, so that listing labs stays quick

    return Path(find_uv_bin())


def make_environment(folders: Mapping[int, Path]) -> dict[str, str]:
    """Return the variables that make pip and uv install from wheelhouses alone."""
    # As addresses, since pip splits at blanks and uv at commas.
    links = [
        path.as_uri() for minor, own in folders.items() for path in (own, find_extra_folder(minor))
    ]
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": " ".join(links),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": ",".join(links),
        "UV_OFFLINE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
