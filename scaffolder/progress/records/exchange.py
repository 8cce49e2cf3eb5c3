"""Progress as a file that travels: `devlab.progress/1`, written whole, read with mistrust, merged.

Merging is idempotent and the order does not matter: attempts are counted for each device, and of
two devices' words about the same the better or the earlier stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.progress.records import entries, store
from scaffolder.progress.standing import Key, LabNote
from scaffolder.workspace import TEXT_LIMIT, read_bytes

SCHEMA = "devlab.progress/1"
# It bounds how much of anything there can be.
SIZE_LIMIT = 16 * 1024 * 1024
_YEARS = (1970, 9000)

# Nothing here may be narrower than what is written, or all of a learner's progress is refused for
# one entry: a lab may be named as a folder, a version was once any text in a lab file, and each
# byte of a path that is no text takes four characters.
_Name = Annotated[str, Meta(min_length=1, max_length=1000)]
_Words = Annotated[str, Meta(max_length=4096)]
_Version = Annotated[str, Meta(max_length=TEXT_LIMIT)]
_Path = Annotated[str, Meta(min_length=1, max_length=4 * 4096)]
_Number = Annotated[int, Meta(ge=0, le=1_000_000_000)]
_Time = Annotated[str, Meta(pattern=r"^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$")]
_Device = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class _Lab(msgspec.Struct, frozen=True, kw_only=True):
    id: _Name
    version: _Version
    title: _Words
    tasks: _Number
    points: _Number
    skills: tuple[_Name, ...]
    at: _Time


class _Passed(msgspec.Struct, frozen=True, kw_only=True):
    task: _Name
    points: _Number
    at: _Time


class _Hint(msgspec.Struct, frozen=True, kw_only=True):
    task: _Name
    number: _Number
    at: _Time


class _Workspace(msgspec.Struct, frozen=True, kw_only=True):
    path: _Path
    lab: _Name
    learner: Annotated[str, Meta(max_length=1000)] = ""
    best: _Number
    best_of: _Number
    at: _Time
    attempts: dict[_Device, _Number]
    passed: tuple[_Passed, ...]
    hints: tuple[_Hint, ...]


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Keys may be added in later versions of devlab and are ignored here."""

    schema: str = SCHEMA
    labs: tuple[_Lab, ...]
    workspaces: tuple[_Workspace, ...]


class _Head(msgspec.Struct, frozen=True):
    schema: str


class Counts(msgspec.Struct, frozen=True):
    """How much a file held."""

    labs: int
    workspaces: int
    passed: int


def export() -> str:
    """Return all progress as JSON that ends in a newline; raises DevlabError as `store.read`."""
    document = store.read(_document, _Document(labs=(), workspaces=()))
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def merge(path: Path) -> Counts:
    """Merge an exported file into the records, all of it or nothing.

    Raises DevlabError where the file is none, of a newer devlab, too large or not plausible, or
    where nothing can be written.
    """
    document = _read(path)
    store.write(lambda database: _put(database, document))
    return Counts(
        len(document.labs),
        len(document.workspaces),
        sum(len(one.passed) for one in document.workspaces),
    )


def _read(path: Path) -> _Document:
    try:
        real = path.resolve()
        content = read_bytes(real.parent, real.name, SIZE_LIMIT)
    except UnusableFileError as error:
        raise DevlabError(f"{path} {error.message}") from error
    except (OSError, RuntimeError) as error:
        raise DevlabError(f"{path} cannot be found: do its links form a circle?") from error
    hint = "such a file is written by: devlab progress export FILE"
    try:
        schema = msgspec.json.decode(content, type=_Head).schema
        if schema != SCHEMA:
            hint = "was it exported by a newer devlab? then upgrade this one"
            raise DevlabError(f"{path}: its schema is {schema!r}, this devlab reads {SCHEMA!r}")
        document = msgspec.json.decode(content, type=_Document)
        _require_times(document)
    except (msgspec.DecodeError, ValueError, RecursionError, DevlabError) as error:
        told = error.message if isinstance(error, DevlabError) else f"{path}: no progress: {error}"
        raise DevlabError(told, hint=hint) from error
    return document


def _require_times(document: _Document) -> None:
    """Raise ValueError for a time that looks like one and is none: the 31st of February.

    Or one that no clock ever told, and that not every part of the world has a date for.
    """
    for lab in document.labs:
        _require_time(lab.at)
    for one in document.workspaces:
        for at in (one.at, *(task.at for task in one.passed), *(hint.at for hint in one.hints)):
            _require_time(at)


def _require_time(at: str) -> None:
    if not _YEARS[0] <= entries.parse_time(at).year <= _YEARS[1]:
        raise ValueError(f"nothing was done at {at}")


def _put(database: entries.Database, document: _Document) -> None:
    for lab in document.labs:
        entries.put_lab(
            database,
            LabNote(
                *(lab.id, lab.version, lab.title, lab.tasks, lab.points, lab.skills),
                entries.parse_time(lab.at),
            ),
        )
    for one in document.workspaces:
        key = Key(one.path, one.lab, one.learner)
        row = entries.put_workspace(database, key, one.at)
        for maker, count in one.attempts.items():
            entries.raise_attempts(database, row, maker, count)
        if one.best_of:
            entries.raise_best(database, row, one.best, one.best_of)
        for task in one.passed:
            entries.put_passed(database, row, task.task, task.points, task.at)
        for hint in one.hints:
            entries.put_hint(database, row, hint.task, hint.number, hint.at)


def _document(database: entries.Database) -> _Document:
    return _Document(
        labs=tuple(
            _Lab(
                id=name,
                version=version,
                title=title,
                tasks=tasks,
                points=points,
                skills=entries.parse_skills(skills),
                at=at,
            )
            for name, version, title, tasks, points, skills, at in entries.list_lab_rows(database)
        ),
        workspaces=tuple(
            _workspace(database, *row) for row in entries.list_workspace_rows(database)
        ),
    )


def _workspace(
    database: entries.Database, row: int, key: Key, best: tuple[int, int], at: str
) -> _Workspace:
    return _Workspace(
        path=key.path,
        lab=key.lab,
        learner=key.learner,
        best=best[0],
        best_of=best[1],
        at=at,
        attempts=entries.read_attempts(database, row),
        passed=tuple(
            _Passed(task=task, points=points, at=when)
            for task, points, when in entries.read_passed(database, row)
        ),
        hints=tuple(
            _Hint(task=task, number=number, at=when)
            for task, number, when in entries.read_hints(database, row)
        ),
    )
