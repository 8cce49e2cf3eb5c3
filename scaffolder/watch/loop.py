"""The loop of `devlab watch`: waits for what happens, lets `watched` decide, does it, draws.

Everything that happens (keys, saves, what runs say, signals) becomes an event in one queue, and
one thread, the main one, takes them out: state and screen need no lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from scaffolder.model import Lab
from scaffolder.report.live import watch
from scaffolder.report.live.watch import (
    Effect,
    Event,
    Grade,
    LabRead,
    Leave,
    Pressed,
    Resumed,
    Saved,
    Watch,
)
from scaffolder.report.live.watch_screen import Frame
from scaffolder.watch.desk import Desk
from scaffolder.watch.keys import Keyboard
from scaffolder.watch.runs import Runs
from scaffolder.watch.saves import Changes, Watcher, find_touched_tasks

# How often the seconds of what runs are drawn anew.
_TICK = 0.25
# How long the runs may take to end before somebody who waits is told why.
_QUIETLY = 1.0
# How long at most: what is left then is swept by the next run.
_PATIENTLY = 20.0


class Front(Protocol):
    """Where a state is shown."""

    def take(self) -> None:
        """Begin to show."""

    def give_back(self) -> None:
        """End, and leave everything as it was; harmless where nothing was taken."""

    def show(self, watch: Watch, now: float) -> Frame:
        """Show a state."""


def run_loop(
    root: Path,
    lab: Lab,
    front: Front,
    keyboard: Keyboard | None,
    wait_for: Callable[[], None] = lambda: None,
) -> Watch:
    """Watch a workspace until `q` is pressed; return the state at the end.

    Without a keyboard only a signal ends it. `wait_for` is called where ending takes a moment.
    Raises KeyboardInterrupt as the signals do, after everything was stopped and given back.
    """
    with _Loop(root, lab, front, keyboard) as loop:
        try:
            return loop.run()
        finally:
            loop.end(wait_for)


class _Inbox:
    """Events from any thread; `handle` becomes readable when one came, or a signal did."""

    def __init__(self) -> None:
        self._events: deque[Event | Changes] = deque()
        self.handle, self._bell = os.pipe()
        os.set_blocking(self.handle, False)
        os.set_blocking(self._bell, False)
        self._before = signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)

    def post(self, event: Event | Changes) -> None:
        self._events.append(event)
        # A full pipe rings already; one that is closed rings for nobody any more.
        with contextlib.suppress(OSError):
            os.write(self._bell, b"\0")

    def take(self) -> Iterator[Event | Changes]:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.handle, 4096):
                pass
        while self._events:
            yield self._events.popleft()

    def close(self) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self.handle)
        os.close(self._bell)


class _Loop:
    def __init__(self, root: Path, lab: Lab, front: Front, keyboard: Keyboard | None) -> None:
        self._root = root
        self._front = front
        self._keyboard = keyboard
        self._inbox = _Inbox()
        self._runs = Runs(root, lab, self._inbox.post)
        self._saves = Watcher(root, lab.root, self._inbox.post, history=lab.reads_history)
        self._desk = Desk(root, self._inbox.post)
        self._selector = selectors.DefaultSelector()
        self._watch, self._first = watch.begin_watch(lab)
        self._frame = Frame((), 0, 0)
        self._stopped = False
        self._over = False
        self._ending = False
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> _Loop:
        self._selector.register(self._inbox.handle, selectors.EVENT_READ)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            self._handle(number, self._interrupt)
        if self._keyboard is not None:
            self._selector.register(self._keyboard.handle, selectors.EVENT_READ)
            # A handler is what lets a signal ring the bell.
            self._handle(signal.SIGWINCH, lambda *_: None)
            self._handle(signal.SIGTSTP, self._note_stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._handlers.items():
            signal.signal(number, before)  # type: ignore[arg-type]
        self._selector.close()
        self._inbox.close()

    def _handle(self, number: signal.Signals, handler: object) -> None:
        self._handlers.setdefault(number, signal.getsignal(number))
        signal.signal(number, handler)  # type: ignore[arg-type]

    def _interrupt(self, *_: object) -> None:
        # A terminal that is closed sends several; the first ends it, the others must not cut the
        # cleaning short.
        if not self._ending:
            self._ending = True
            raise KeyboardInterrupt

    def _note_stop(self, *_: object) -> None:
        self._stopped = True

    def run(self) -> Watch:
        self._take()
        self._saves.start()
        for effect in self._first:
            self._do(effect)
        while not self._over:
            self._show()
            for key, _ in self._selector.select(_TICK if self._watch.active else None):
                if self._keyboard is not None and key.fd == self._keyboard.handle:
                    self._read_keys(self._keyboard)
            if self._stopped:
                self._sleep()
            for event in self._inbox.take():
                self._update(self._known(event))
        return self._watch

    def _show(self) -> None:
        try:
            self._frame = self._front.show(self._watch, time.monotonic())
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # The terminal is gone; SIGHUP may be on its way.
            raise KeyboardInterrupt from None

    def end(self, wait_for: Callable[[], None]) -> None:
        """Give the terminal back, first of all; then stop everything and wait for it."""
        self._ending = True
        self._give_back()
        self._runs.cancel()
        self._desk.close()
        self._saves.stop()
        if not self._runs.join(_QUIETLY):
            wait_for()
            self._runs.join(_PATIENTLY)

    def _take(self) -> None:
        if self._keyboard is not None:
            self._keyboard.take()
        self._front.take()

    def _give_back(self) -> None:
        try:
            self._front.give_back()
        finally:
            if self._keyboard is not None:
                self._keyboard.give_back()

    def _sleep(self) -> None:
        """Stop as Ctrl-Z asks; what ran would be measured wrongly, so it is run again after."""
        self._stopped = False
        self._runs.cancel()
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._note_stop)
        self._take()
        self._update(Resumed())

    def _read_keys(self, keyboard: Keyboard) -> None:
        try:
            keys = keyboard.read()
        except EOFError:
            # The terminal is gone, as on SIGHUP.
            raise KeyboardInterrupt from None
        for key in keys:
            self._update(Pressed(key, self._frame.rows, self._frame.last))

    def _known(self, event: Event | Changes) -> Event:
        if not isinstance(event, Changes):
            return event
        return Saved(
            event.paths, find_touched_tasks(self._watch.lab, self._root, event), lab=event.lab
        )

    def _update(self, event: Event) -> None:
        if isinstance(event, LabRead):
            self._saves.follow_lab(event.lab.root)
        self._watch, effects = watch.update_watch(self._watch, event)
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Grade):
            self._runs.start(effect)
        elif isinstance(effect, Leave):
            self._over = True
        else:
            self._desk.ask(self._watch.lab, effect)
