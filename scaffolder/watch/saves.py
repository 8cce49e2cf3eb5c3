"""Notice saves: which files changed in a workspace, and which tasks that can concern."""

from __future__ import annotations

import fnmatch
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, watch
from watchfiles._rust_notify import WatchfilesRustInternalError

from scaffolder import workspace
from scaffolder.core.errors import DevlabError
from scaffolder.model import Lab, Task

# Milliseconds: what comes within DEBOUNCE of the first change is one save, unless nothing comes
# for a STEP: then it is over, and its verdict need not wait.
DEBOUNCE = 200
STEP = 25
# How often to see whether the workspace is still the folder that is watched.
_LOOK = 250
_PATIENCE_SECONDS = 0.5
# Of the clock by which a file system dates changes.
_GRAIN_SECONDS = 0.05

# What editors write beside a file that they hold or save: swap files, locks, backups, drafts.
_TEMPORARY = re.compile(
    r".*~|\.#.*|#.*#|4913|\.?.*\.sw[a-z]|.*\.swpx|\.goutputstream-.*|.*___jb_(?:tmp|old)___"
    r"|.*\.kate-swp|\.~lock\..*#|\.?.*\.tmp\.\d+(?:\.\d+)?|\.DS_Store|flycheck_.*|.*\.py[co]"
)


@dataclass(frozen=True)
class Changes:
    """What was saved at a time: paths in the workspace, whether the lab changed too.

    `unknown` says that more may have changed than the paths tell.
    """

    paths: tuple[str, ...] = ()
    lab: bool = False
    unknown: bool = False


def matters(relative: Path) -> bool:
    """Whether a path in a workspace belongs to the work, and not to an editor, git or a cache."""
    if relative == workspace.MANIFEST:
        return True
    ignored = any(part.casefold() in workspace.IGNORED for part in relative.parts)
    return not ignored and not _TEMPORARY.fullmatch(relative.name)


def _is_history(relative: Path) -> bool:
    """Whether a path tells that the repository of the work has another history now."""
    if not relative.is_relative_to(workspace.REPOSITORY) or relative.suffix == ".lock":
        return False
    return relative.parts[1:2] in (("HEAD",), ("packed-refs",), ("refs",), ("reftable",))


def find_touched_tasks(lab: Lab, root: Path, changes: Changes) -> frozenset[str]:
    """Return the tasks whose verdict changes can have changed: by what their checks read.

    Those that need such a task are among them. A folder, or something that is not there any more,
    may have been all that a check reads.
    """
    manifest = str(workspace.MANIFEST) in changes.paths
    saved = [path for path in changes.paths if not _is_history(Path(path))]
    history = len(saved) < len(changes.paths)
    whole = any(not (root / path).is_file() for path in saved)
    if changes.unknown or changes.lab or manifest or whole:
        return frozenset(task.id for task in lab.tasks)
    found: set[str] = set()
    before = -1
    while len(found) > before:
        before = len(found)
        found |= {
            task.id
            for task in lab.tasks
            if found & {*task.needs} or _reads(task, saved, history=history)
        }
    return frozenset(found)


def _reads(task: Task, paths: Collection[str], *, history: bool) -> bool:
    if history and any(spec.check.reads_history for spec in task.checks):
        return True
    return any(
        fnmatch.fnmatchcase(path, pattern)
        for spec in task.checks
        for pattern in spec.check.reads
        for path in paths
    )


class Watcher:
    """Calls `post`, from a thread of its own, for every save in a workspace or in its lab.

    It goes on where the workspace is deleted and made again, where the system has no more room for
    watching (by looking at the files again and again), and where names are no text. With `history`
    a commit, a branch or a tag in the workspace's repository is told as well.
    """

    def __init__(
        self,
        root: Path,
        lab_root: Path,
        post: Callable[[Changes], None],
        *,
        history: bool = False,
    ) -> None:
        self._root = root
        self._history = history
        self._lab_root = lab_root.resolve()
        self._post = post
        self._over = threading.Event()
        self._again = threading.Event()
        self._polling: bool | None = None
        self._thread = threading.Thread(target=self._work, name="saves", daemon=True)

    def start(self) -> None:
        """Begin; what was saved since this call is told, however long beginning takes."""
        self._since = time.time() - _GRAIN_SECONDS
        self._thread.start()

    def follow_lab(self, lab_root: Path) -> None:
        """Watch this lab from now on."""
        if lab_root.resolve() != self._lab_root:
            self._lab_root = lab_root.resolve()
            self._again.set()

    def stop(self) -> None:
        """End, and wait for it."""
        self._over.set()
        self._again.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            self._again.clear()
            try:
                self._follow()
            except FileNotFoundError:
                self._over.wait(_PATIENCE_SECONDS)
            except OSError:
                self._polling = True
            except WatchfilesRustInternalError:
                # Among other things, a name that is no text.
                self._post(Changes(unknown=True))
                self._over.wait(_PATIENCE_SECONDS)

    def _follow(self) -> None:
        """Tell of saves until the lab is another, or the workspace is another folder."""
        here = self._identity()
        settled = False
        for found in self._found():
            if self._over.is_set():
                return
            if not settled and self._changed_before():
                self._post(Changes(unknown=True))
            settled = True
            self._since = time.time() - _GRAIN_SECONDS
            changes = self._changes(found)
            if changes.paths or changes.lab:
                self._post(changes)
            if self._identity() != here:
                self._post(Changes(unknown=True))
                return

    def _found(self) -> Iterator[set[tuple[Change, str]]]:
        # A lab whose folder is gone must not end the watching of the work.
        places = [self._root, *([self._lab_root] if self._lab_root.is_dir() else [])]
        return watch(
            *places,
            watch_filter=self._matters,
            debounce=DEBOUNCE,
            step=STEP,
            stop_event=self._again,
            rust_timeout=_LOOK,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=self._polling,
            ignore_permission_denied=True,
        )

    def _changed_before(self) -> bool:
        """Whether something was saved while nobody watched."""
        try:
            return workspace.has_changed_since(self._root, self._since)
        except (OSError, DevlabError):
            return True

    def _matters(self, _: Change, path: str) -> bool:
        return any(
            Path(path).is_relative_to(place) and matters(Path(path).relative_to(place))
            for place in (self._root, self._lab_root)
        ) or (
            self._history
            and Path(path).is_relative_to(self._root)
            and _is_history(Path(path).relative_to(self._root))
        )

    def _changes(self, found: set[tuple[Change, str]]) -> Changes:
        # What came and went within one save was an editor's draft.
        drafts = {path for change, path in found if change is Change.added}
        paths = [Path(path) for _, path in found if os.path.lexists(path) or path not in drafts]
        ours = {path.relative_to(self._root) for path in paths if path.is_relative_to(self._root)}
        return Changes(
            paths=tuple(sorted(str(path) for path in ours)),
            lab=any(path.is_relative_to(self._lab_root) for path in paths),
        )

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._root.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino
