"""What a learner did, kept for them: attempts, best scores, tasks passed, hints used, last reports.

A grade never depends on it. So the functions here never raise: where the records cannot be read or
written, they answer as if there were none, write the trouble into devlab's log and keep a sentence
for the user, which the command line takes with `take_notices` and prints.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scaffolder.core.errors import DevlabError
from scaffolder.core.log import write_log
from scaffolder.model import Lab, News, Report
from scaffolder.progress.news import ToldTask
from scaffolder.progress.records import telling
from scaffolder.progress.standing import KeptReport, Key, Records
from scaffolder.workspace import RENDERED, Workspace, escape_path

if TYPE_CHECKING:
    from scaffolder.progress.records import exchange
    from scaffolder.progress.records.entries import Forgotten

_Answer = TypeVar("_Answer")

# The folder, beside a learner's records, for what is done in rendered states.
_RENDERED = "rendered"
_NOT_KEPT = "what you did is not kept"
_NOT_READ = "what you did before cannot be read"


def note_report(workspace: Workspace, lab: Lab, report: Report, *, told: bool = False) -> News:
    """Keep what a finished check run said, and return what is new in it; call it once for each run.

    With `told` the learner hears it all; without, what is new stays so until somebody tells it.
    """
    from scaffolder.progress.records import entries, store

    key, when = make_key(workspace), datetime.now(UTC)
    with _records_of(workspace):
        return _kindly(
            lambda: store.write(entries.note_report(key, lab, report, when, told=told)),
            News(),
            _NOT_KEPT,
        )


def read_told(workspace: Workspace) -> dict[str, ToldTask]:
    """Return what checks told last of the tasks of a workspace, of those that were checked."""
    from scaffolder.progress.records import entries, store

    with _records_of(workspace):
        return _kindly(lambda: store.read(entries.query_told(make_key(workspace)), {}), {})


def begin(workspace: Workspace) -> None:
    """Forget what was told of earlier work in the place of a new workspace."""
    from scaffolder.progress.records import entries, store

    def forget_told() -> None:
        if store.find_file().exists():
            store.write(entries.begin(make_key(workspace)))

    with _records_of(workspace):
        _kindly(forget_told, None, _NOT_KEPT)


def read_last_report(workspace: Workspace) -> KeptReport | None:
    """Return the report that was noted last for this workspace, with its time, or None."""
    from scaffolder.progress.records import entries, store

    with _records_of(workspace):
        return _kindly(
            lambda: store.read(entries.query_last_report(make_key(workspace)), None), None
        )


def use_hint(workspace: Workspace, task_id: str, number: int) -> None:
    """Keep that a hint of a task was shown; `number` counts the task's hints from 1."""
    from scaffolder.progress.records import entries, store

    when = datetime.now(UTC)
    with _records_of(workspace):
        _kindly(
            lambda: store.write(entries.use_hint(make_key(workspace), task_id, number, when)),
            None,
            _NOT_KEPT,
        )


def count_used_hints(workspace: Workspace) -> dict[str, int]:
    """Return how many different hints were used, for each task of which one was."""
    from scaffolder.progress.records import entries, store

    with _records_of(workspace):
        return _kindly(lambda: store.read(entries.query_hint_counts(make_key(workspace)), {}), {})


def list_used_hints(workspace: Workspace, task_id: str) -> tuple[int, ...]:
    """Return the numbers of the hints of a task that were used, in the order of their use."""
    from scaffolder.progress.records import entries, store

    nothing: tuple[int, ...] = ()
    with _records_of(workspace):
        return _kindly(
            lambda: store.read(entries.query_used_hints(make_key(workspace), task_id), nothing),
            nothing,
        )


def read_all() -> Records:
    """Return all that is kept of a learner's work; what was rendered for an author is none."""
    from scaffolder.progress.records import entries, store

    return _kindly(lambda: store.read(entries.read_all, Records()), Records())


def export() -> str:
    """Return all that is kept as a text that `merge` reads; raises DevlabError if it cannot."""
    from scaffolder.progress.records import exchange

    return exchange.export()


def merge(path: Path) -> exchange.Counts:
    """Merge an exported file into what is kept, all or nothing; return how much it held.

    Unlike the others it raises: DevlabError where the file is no progress that can be believed, or
    nothing can be written.
    """
    from scaffolder.progress.records import exchange

    return exchange.merge(path)


def forget(lab_id: str) -> Forgotten:
    """Remove what is kept of a lab, in all of its workspaces; return how much that was.

    Raises DevlabError where nothing is kept of it, or nothing can be written.
    """
    from scaffolder.progress.records import entries, store

    require_kept(lab_id)
    return store.write(entries.forget(lab_id))


def require_kept(lab_id: str) -> None:
    """Raise DevlabError where nothing is kept of a lab, or nothing can be read."""
    from scaffolder.progress.records import entries, store

    kept = store.read(entries.read_all, Records())
    known = {*kept.labs, *(one.key.lab for one in kept.workspaces)}
    if lab_id not in known:
        raise DevlabError(
            f"nothing is kept of {lab_id!r}",
            hint=f"kept: {', '.join(sorted(known)) or 'nothing'}   (devlab progress shows it)",
        )


def take_notices() -> tuple[str, ...]:
    """Return what the user should hear about their records and has not heard in this run."""
    return telling.take()


def make_key(workspace: Workspace) -> Key:
    """Return what a workspace is known by."""
    return Key(
        escape_path(workspace.root.resolve()),
        workspace.manifest.lab.id,
        workspace.manifest.learner_id,
    )


@contextlib.contextmanager
def _records_of(workspace: Workspace) -> Iterator[None]:
    """Use the records that a workspace belongs to: a learner's, or those of rendered states."""
    from scaffolder.progress.records import store

    rendered = (workspace.root / RENDERED).exists()
    with store.keep_apart(_RENDERED if rendered else ""):
        yield


def _kindly(work: Callable[[], _Answer], otherwise: _Answer, trouble: str = _NOT_READ) -> _Answer:
    """Return what the work comes to; where it fails, tell the log and the user, and go on."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 -- no grade may depend on what is kept
        with contextlib.suppress(OSError):
            write_log("records", error)
        if isinstance(error, DevlabError):
            telling.say(f"{error.message} ({error.hint})")
        else:
            telling.say(f"{trouble}: {type(error).__name__}")
        return otherwise
