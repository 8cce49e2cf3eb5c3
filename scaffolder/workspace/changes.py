"""Apply a change-set to a folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from scaffolder.core.errors import DevlabError
from scaffolder.model import ChangeSet, Replacement
from scaffolder.workspace import read_text, resolve_inside


def apply_change(change: ChangeSet, root: Path) -> None:
    """Carry out `change` in the folder `root`.

    Raises DevlabError, an author's error, where a path leads outside or into a repository's own
    files, a file to delete or edit is not there, or the text to replace does not stand exactly
    once. Nothing is written then.
    """
    for path in change.paths:
        resolve_inside(root, path)
        _refuse_repository(path)
    edited = _edited_texts(change, root)
    leaving = [root / path for path in dict.fromkeys(change.delete)]
    for target in leaving:
        if not target.is_file() and not target.is_symlink():
            name = target.relative_to(root).as_posix()
            raise DevlabError(f"cannot delete {name}: there is no such file")
    for target in leaving:
        target.unlink()
    for path, text in {**change.write, **edited}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def _refuse_repository(path: str) -> None:
    # git runs the programs that a repository's settings name, and devlab runs git.
    if any(part.casefold() == ".git" for part in PurePosixPath(path).parts):
        raise DevlabError(f"{path}: a change must not touch a repository's own files")


def _edited_texts(change: ChangeSet, root: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for edit in change.replace:
        before = texts.get(edit.path, change.write.get(edit.path))
        texts[edit.path] = replace_once(
            edit, read_text(root, edit.path) if before is None else before
        )
    return texts


def replace_once(edit: Replacement, text: str) -> str:
    """Return `text` with the edit made; raises DevlabError unless `old` stands exactly once."""
    found = text.count(edit.old)
    if found != 1:
        shown = edit.old.strip().splitlines()[0] if edit.old.strip() else edit.old
        raise DevlabError(
            f"{edit.path}: the text to replace, {shown!r}, stands {found} times, not once"
        )
    return text.replace(edit.old, edit.new)
