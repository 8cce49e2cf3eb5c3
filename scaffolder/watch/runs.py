"""Grade beside the screen: each run in a thread, the one before cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scaffolder import workspace
from scaffolder.core.errors import DevlabError, InterruptedRunError
from scaffolder.core.log import write_log
from scaffolder.grading.cache.reports import note_told
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.model import Lab, Problem
from scaffolder.model.events import Event
from scaffolder.progress.guide import tell_report
from scaffolder.report.live import watch
from scaffolder.report.live.watch import Ended, Failed, Grade, LabRead, Told
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import Workspace


@dataclass(frozen=True)
class _Run:
    thread: threading.Thread
    cancel: CancelToken


class Runs:
    """The runs over one workspace; what they say goes to `post`, from their threads.

    A save waits for no cancelled run: the next starts while that one still removes what it made.
    """

    def __init__(self, root: Path, lab: Lab, post: Callable[[watch.Event], None]) -> None:
        self._root = root
        self._lab = lab
        self._post = post
        self._alive: list[_Run] = []

    def start(self, order: Grade) -> None:
        """Cancel the run that is under way, if any, and start another."""
        self.cancel()
        earlier = self._alive = [run for run in self._alive if run.thread.is_alive()]
        cancel = CancelToken()
        thread = threading.Thread(
            target=self._work,
            args=(order, cancel, tuple(earlier)),
            name=f"run-{order.run}",
            daemon=True,
        )
        self._alive = [*earlier, _Run(thread, cancel)]
        thread.start()

    def cancel(self) -> None:
        for run in self._alive:
            run.cancel.cancel()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until no run is left; whether that came to pass within the time given."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for run in self._alive:
            run.thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(run.thread.is_alive() for run in self._alive)

    def _work(self, order: Grade, cancel: CancelToken, earlier: tuple[_Run, ...]) -> None:
        # Saves in quick succession must not leave ever more runs that are being cleaned up.
        for run in earlier[:-1]:
            run.thread.join()
        try:
            self._post(self._grade(order, cancel))
        except InterruptedRunError:
            return
        except DevlabError as error:
            self._post(Failed(order.run, Problem(error.message, hint=error.hint)))
        except Exception as error:  # noqa: BLE001 -- a run that breaks must not end the watching
            log = write_log(f"watch, run {order.run}", error)
            self._post(Failed(order.run, _own_fault(error, log)))

    def _grade(self, order: Grade, cancel: CancelToken) -> Ended:
        cancel.raise_if_cancelled()
        found = self._workspace()
        lab = self._read_lab(order, found)

        def listen(event: Event) -> None:
            self._post(Told(order.run, event, time.monotonic()))

        report = grade(
            lab,
            found,
            listen=listen,
            cancel=cancel,
            kept=Kept.of_this_user(afresh=order.afresh),
            quick_first=True,
        )
        told = tell_report(found, lab, report)
        note_told(Kept.of_this_user(), found, told)
        return Ended(order.run, told)

    def _workspace(self) -> Workspace:
        if not self._root.is_dir():
            raise DevlabError(
                f"the workspace is gone: {self._root}",
                hint="where it comes back, watching goes on; q quits",
            )
        return Workspace(self._root, workspace.read_manifest(self._root))

    def _read_lab(self, order: Grade, found: Workspace) -> Lab:
        lab = self._lab
        if order.lab or found.manifest.lab.id != lab.id:
            lab = catalog.load_for_workspace(found.manifest)
            self._lab = lab
            self._post(LabRead(order.run, lab))
        return lab


def _own_fault(error: Exception, log: Path) -> Problem:
    return Problem(
        f"devlab failed in a way that it should not: {type(error).__name__}: {error}",
        hint=f"please report it with {log}",
    )
