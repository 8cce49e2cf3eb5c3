"""A cache for uv that is warm from the first install on: wheels unpacked, byte code beside them.

uv installs by linking files from its cache. What a rehearsal imports would be compiled again in
each of its dozens of fresh environments, which costs more than the tests themselves; so the byte
code is made once and is installed with the files that it belongs to. The wheels stay as they are:
requirements with hashes still hold.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scaffolder.tools import processes, wheelhouse
from scaffolder.tools.processes import CancelToken

_SECONDS = 180.0
# Large, and hardly ever imported by a pipeline.
_LEFT_OUT = ("setuptools", "wheel")
_NOT_COMPILED = r"\.data/|/pygments/lexers/|/pip/"
# Where uv keeps unpacked wheels: https://docs.astral.sh/uv/reference/internals/ calls it archive.
_ARCHIVES = "archive-v*"


def prepare(wheels: Mapping[int, Path], pythons: Mapping[int, Path], cancel: CancelToken) -> Path:
    """Return a cache of uv's with everything of the wheelhouses `wheels`, made at first use.

    Both mappings are by minor version. The folder must not be written to: copy it. Where uv cannot
    unpack something it is merely not in the cache.
    """
    asked = [f"{minor} {wheels[minor].name} {pythons[minor]}" for minor in sorted(wheels)]
    asked += [str(wheelhouse.find_uv()), *_LEFT_OUT, _NOT_COMPILED]
    key = hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]
    target = wheelhouse.find_root() / f"unpacked-{key}"
    if not target.is_dir():
        with tempfile.TemporaryDirectory(prefix="new-", dir=target.parent) as made:
            cache = Path(made) / "cache"
            cache.mkdir()
            for minor in wheels:
                _unpack(wheels, minor, pythons[minor], Path(made), cancel)
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda minor: _compile(cache, pythons[minor], cancel), wheels))
            # Somebody else may have been quicker; the content is the same.
            with contextlib.suppress(OSError):
                cache.rename(target)
    return target


def copy(cache: Path, target: Path, cancel: CancelToken) -> None:
    """Make the new folder `target` a copy of a cache."""
    # Not links: uv hands on what lies in its cache as links, and a pipeline may write to those.
    _copy("-a", cache, target, cancel)


def link(cache: Path, target: Path, cancel: CancelToken) -> None:
    """Make the new folder `target` a cache of its own whose files are links to those of a copy.

    It must lie where environments are made: uv links only within one mount.
    """
    _copy("-al", cache, target, cancel)


def _copy(how: str, cache: Path, target: Path, cancel: CancelToken) -> None:
    done = processes.run(("cp", how, cache, target), timeout=_SECONDS, cancel=cancel)
    if not done.ok:
        raise OSError(f"cannot copy {cache}: {' '.join(done.tail(1))}")


def _unpack(
    wheels: Mapping[int, Path], minor: int, python: Path, made: Path, cancel: CancelToken
) -> None:
    named = [path.stem.split("-")[:2] for path in sorted(wheels[minor].glob("*.whl"))]
    argv: tuple[str | Path, ...] = (
        *(wheelhouse.find_uv(), "pip", "install", "--quiet", "--no-config", "--no-deps"),
        *("--link-mode", "hardlink", "--python", python, "--target", made / f"py3{minor}"),
        *(f"{name}=={version}" for name, version in named if name not in _LEFT_OUT),
    )
    environment = {**wheelhouse.make_environment(wheels), "UV_CACHE_DIR": str(made / "cache")}
    processes.run(argv, env=environment, timeout=_SECONDS, cancel=cancel)


def _compile(cache: Path, python: Path, cancel: CancelToken) -> None:
    # By time stamps, which `cp -a` keeps, so that a pipeline which patches what it installed sees
    # what it patched. A file that does not compile (other versions' syntax) stays without.
    command = (str(python), "-I", "-S", "-m", "compileall", "-q", "-q", "-x", _NOT_COMPILED)
    archives = sorted(cache.glob(_ARCHIVES))
    argv: list[str | Path] = [*command, "--invalidation-mode", "timestamp", *archives]
    processes.run(argv, env={}, timeout=_SECONDS, cancel=cancel)
