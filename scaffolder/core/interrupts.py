"""Hold Ctrl-C back for as long as something is tidied up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let the block end before a signal that would interrupt it raises KeyboardInterrupt.

    A second signal in the same block is raised at once: somebody insists. Signals reach the main
    thread only, so in any other there is nothing to hold back; one that is ignored stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = False

    def note(*_: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    handled = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {
        number: handler
        for number in handled
        # None: a handler that Python did not install, and could not put back.
        if (handler := signal.getsignal(number)) not in (signal.SIG_IGN, None)
    }
    try:
        for number in before:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        # Also where the block raised something else: that it was interrupted must not be lost.
        if pressed:
            raise KeyboardInterrupt
