"""A lab that gets later versions, and what a learner's folder holds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.labs import HEAD, Catalog, task


class Releases:
    """A lab `tested` in a catalog, whose start is replaced by that of another version."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.folder: Path | None = None

    def release(
        self,
        version: str,
        start: Mapping[str, str | bytes],
        *,
        changelog: str = "",
        tasks: str = "",
        solution: Mapping[str, str | bytes] | None = None,
    ) -> None:
        head = HEAD.replace('version: "1"', f'version: "{version}"')
        if self.folder is not None:
            shutil.rmtree(self.folder)
        self.folder = self.catalog.lab(tasks or task("a"), head=head)
        put(self.folder / "start", start)
        put(self.folder / "solution", solution or {})
        if changelog:
            (self.folder / "CHANGELOG.md").write_text(changelog)


def put(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files, and the folders that they need, below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def held(root: Path) -> dict[str, tuple[bytes, bool] | str]:
    """Return every file below `root` with its content and whether it may be run, or its target.

    Version control and backups are left out.
    """
    found: dict[str, tuple[bytes, bool] | str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith((".git/", ".devlab/backups")) or name == ".git":
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found
