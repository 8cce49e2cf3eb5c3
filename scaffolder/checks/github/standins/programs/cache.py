"""actions/cache: keep and restore paths under a key, within one run of a pipeline."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from scaffolder.checks.github.standins.programs import runner


def main() -> None:
    """Save or restore, as the first argument says."""
    paths, key = runner.told("PATH"), runner.told("KEY")
    if not paths or not key:
        runner.stop(f"Input required and not supplied: {'key' if paths else 'path'}")
    if sys.argv[1] == "save":
        _save(paths, key)
    else:
        _restore(paths, key)


def _store(key: str) -> Path:
    return Path(runner.settings()["caches"]) / hashlib.sha256(key.encode()).hexdigest()


def _targets(paths: str) -> list[Path]:
    lines = [line.strip() for line in paths.splitlines() if line.strip()]
    return [runner.workspace() / Path(line).expanduser() for line in lines]


def _save(paths: str, key: str) -> None:
    store = _store(key)
    store.mkdir(parents=True, exist_ok=True)
    (store / "key").write_text(key, "utf-8")
    for number, target in enumerate(_targets(paths)):
        if target.is_dir():
            shutil.copytree(target, store / str(number), symlinks=True, dirs_exist_ok=True)
        elif target.is_file():
            shutil.copy2(target, store / str(number))
    runner.note(f"Cache saved with key: {key}")


def _restore(paths: str, key: str) -> None:
    found = _found(key)
    runner.answer("cache-hit", "true" if found and _key_of(found) == key else "false")
    if found is None:
        runner.note(f"Cache not found for input keys: {key}")
        if runner.switched("FAIL_ON_MISS"):
            runner.stop(f"Failed to restore cache entry. Input key: {key}")
        return
    runner.answer("cache-matched-key", _key_of(found))
    if not runner.switched("LOOKUP_ONLY"):
        for number, target in enumerate(_targets(paths)):
            _put_back(found / str(number), target)
    runner.note(f"Cache restored from key: {_key_of(found)}")


def _put_back(kept: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if kept.is_dir():
        shutil.copytree(kept, target, symlinks=True, dirs_exist_ok=True)
    elif kept.is_file():
        shutil.copy2(kept, target)


def _found(key: str) -> Path | None:
    if (_store(key) / "key").is_file():
        return _store(key)
    prefixes = [line.strip() for line in runner.told("RESTORE_KEYS").splitlines() if line.strip()]
    stores = sorted(Path(runner.settings()["caches"]).glob("*/key"))
    for prefix in prefixes:
        for file in stores:
            if file.read_text("utf-8").startswith(prefix):
                return file.parent
    return None


def _key_of(store: Path) -> str:
    return (store / "key").read_text("utf-8")


if __name__ == "__main__":
    main()
