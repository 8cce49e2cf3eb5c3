"""actions/upload-artifact and download-artifact: files kept under a name for one run.

https://github.com/actions/upload-artifact describes which files a path means and below which
folder they are kept: the least common ancestor of all search paths.
"""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import Any

from scaffolder.checks.github.standins.programs import runner
from scaffolder.checks.github.standins.programs.line import Line, where


def main() -> None:
    """Upload or download, as the first argument says."""
    if sys.argv[1] == "upload":
        _upload()
    else:
        _download()


def _upload() -> None:
    name = runner.told("NAME")
    if not name or any(mark in name for mark in '\\/":<>|*?\r\n'):
        runner.stop(f"The artifact name is not valid: {name!r}")
    files = _wanted_files(runner.told("PATH"))
    if not files:
        _none_found()
        return
    root = _common_root(files)
    sized = [(file, file.stat().st_size) for file in files]
    described = [{"path": str(file.relative_to(root)), "size": size} for file, size in sized]
    with Line(runner.settings()["line"]) as line:
        message = {"what": "upload", **where(), "name": name, "files": described}
        answer = line.ask({**message, "overwrite": runner.switched("OVERWRITE")})
        if answer.get("refused") == "":
            line.send(sized)
            answer = line.hear()
    _require_taken(answer)
    runner.note(f"Artifact {name} has been successfully uploaded: {len(files)} files")
    runner.answer("artifact-id", str(answer["id"]))
    runner.answer("artifact-url", "")
    runner.answer("artifact-digest", "")


def _require_taken(answer: dict[str, Any]) -> None:
    refused = answer.get("refused", "broken")
    if refused == "taken":
        runner.stop(
            "Failed to CreateArtifact: Received non-retryable error: (409) Conflict: "
            "an artifact with this name already exists on the workflow run"
        )
    if refused == "large":
        runner.lack("an artifact of that size")
    if refused:
        runner.stop("Failed to CreateArtifact: the upload broke off")


def _none_found() -> None:
    message = f"No files were found with the provided path: {runner.told('PATH')}."
    if runner.told("IF_NONE") == "error":
        runner.stop(message)
    if runner.told("IF_NONE") != "ignore":
        runner.note(f"::warning::{message} No artifacts will be uploaded.")


def _wanted_files(patterns: str) -> list[Path]:
    chosen: dict[Path, None] = {}
    for line in (line.strip() for line in patterns.splitlines()):
        if not line or line.startswith("#"):
            continue
        for file in _matching(line.removeprefix("!").strip()):
            if line.startswith("!"):
                chosen.pop(file, None)
            else:
                chosen[file] = None
    return sorted(chosen)


def _matching(pattern: str) -> list[Path]:
    absolute = os.path.normpath(runner.workspace() / Path(pattern).expanduser())
    hidden = runner.switched("HIDDEN")
    files: list[Path] = []
    for found in glob.glob(absolute, recursive=True, include_hidden=hidden):  # noqa: PTH207
        path = Path(found)
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        files += [each for each in inside if each.is_file() and (hidden or _visible(each, path))]
    return files


def _visible(file: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(root).parts)


def _common_root(files: list[Path]) -> Path:
    """Return the folder below which the names in the artifact begin."""
    lines = [line.strip() for line in runner.told("PATH").splitlines()]
    searched = [_search_path(line) for line in lines if line and line[0] not in "!#"]
    if searched == files:
        return files[0].parent
    folders = [path if path.is_dir() else path.parent for path in searched]
    return Path(os.path.commonpath(folders))


def _search_path(pattern: str) -> Path:
    """Return the part of a pattern before its first wild card."""
    parts: list[str] = []
    whole = os.path.normpath(runner.workspace() / Path(pattern).expanduser())
    for part in Path(whole).parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _download() -> None:
    if runner.told("IDS"):
        runner.lack("the input artifact-ids of actions/download-artifact")
    name = runner.told("NAME")
    target = runner.workspace() / Path(runner.told("PATH") or ".").expanduser()
    with Line(runner.settings()["line"]) as line:
        pattern = name or runner.told("PATTERN") or "*"
        kept = line.ask({"what": "download", "pattern": pattern, "exact": bool(name)})["artifacts"]
        if name and not kept:
            runner.stop(f"Unable to download artifact(s): Artifact not found for name: {name}")
        for artifact in kept:
            flat = bool(name) or runner.switched("MERGE")
            place = target if flat else target / artifact["name"]
            for file in artifact["files"]:
                line.receive(place / file["path"], file["size"])
    runner.note(f"Total of {len(kept)} artifact(s) downloaded")
    runner.answer("download-path", str(target))


if __name__ == "__main__":
    main()
