"""actions/setup-python: a fresh environment of the wanted Python, or of the nearest one here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from scaffolder.checks.github.standins.programs import environment, runner, versions


def main() -> None:
    """Do what the action does, with the inputs of the environment."""
    request = _request()
    minor = _minor(request)
    _check_cache_inputs()
    folder = runner.job_folder(f"python-3.{minor}-{os.getpid()}")
    environment.create(folder, minor)
    runner.report("python", place=str(folder), minor=minor)
    python = folder / "bin" / "python"
    version = _full_version(python, minor)
    if runner.told("UPDATE") != "false":
        runner.add_path(folder / "bin")
        runner.export("pythonLocation", str(folder))
    runner.answer("python-version", version)
    runner.answer("python-path", str(python))
    runner.answer("cache-hit", "false")
    if runner.told("PIP_INSTALL"):
        words = runner.told("PIP_INSTALL").split()
        sys.exit(subprocess.run([python, "-m", "pip", "install", *words], check=False).returncode)


def _request() -> str:
    wanted = runner.told("VERSION")
    if wanted:
        # Several lines install several versions; the last one stays the default.
        return wanted.splitlines()[-1].strip()
    named = runner.told("VERSION_FILE")
    if named:
        path = runner.workspace() / named
        if not path.is_file():
            runner.stop(f"The specified python version file at: {path} doesn't exist.")
        return _from_file(path)
    default = runner.workspace() / ".python-version"
    if default.is_file():
        return _from_file(default)
    runner.note("Neither 'python-version' nor 'python-version-file' inputs were supplied.")
    return "3.12"


def _from_file(path: Path) -> str:
    text = path.read_text("utf-8", errors="replace")
    if path.suffix == ".toml":
        data = tomllib.loads(text)
        poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
        return str(data.get("project", {}).get("requires-python", poetry))
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if path.name == ".tool-versions" and words[:1] != ["python"]:
            continue
        if words:
            return words[-1]
    return ""


def _minor(request: str) -> int:
    if re.match(r"(pypy|graalpy)", request):
        runner.lack(f"the Python {request!r}")
    minor = versions.minor_of(request, runner.switched("PRERELEASES"))
    if minor is None:
        runner.stop(
            f"The version '{request}' with architecture 'x64' was not found for Ubuntu 24.04."
        )
    return minor


def _full_version(python: Path, minor: int) -> str:
    chosen, _ = runner.nearest(minor)
    asked = subprocess.run([python, "-V"], capture_output=True, text=True, check=True)
    local = asked.stdout.split()[-1]
    if chosen == minor:
        runner.note(f"Python {local} is set up.")
        return local
    runner.note(f"Python 3.{minor} is not on this machine; Python {local} plays it here.")
    return f"3.{minor}.0"


def _check_cache_inputs() -> None:
    kind = runner.told("CACHE")
    if not kind:
        return
    if kind not in ("pip", "pipenv", "poetry"):
        runner.stop(f"Caching for '{kind}' is not supported")
    usual = {"pip": "**/requirements.txt\n**/pyproject.toml", "pipenv": "**/Pipfile.lock"}
    patterns = runner.told("CACHE_PATH") or usual.get(kind, "**/poetry.lock")
    if not any(any(runner.workspace().glob(each)) for each in _lines(patterns)):
        runner.stop(
            f"No file in {runner.workspace()} matched to [{' or '.join(_lines(patterns))}], "
            "make sure you have checked out the target repository"
        )
    runner.note(f"{kind} cache is not found")


def _lines(text: str) -> list[str]:
    return [line.strip().removeprefix("./") for line in text.splitlines() if line.strip()]


if __name__ == "__main__":
    main()
