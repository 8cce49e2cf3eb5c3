"""Look at several things at a time, and wait for none of them longer than one is willing to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def run_side_by_side(
    calls: Mapping[str, Callable[[], T]], *, seconds: float
) -> dict[str, T | BaseException]:
    """Call everything at once and return, by name, what came of each within `seconds`.

    What a call raised stands in its place, and TimeoutError where it is not back in time. Such a
    call goes on in a thread that does not keep the program from ending: a socket that swallows
    what it is told cannot be hurried.
    """
    results: dict[str, T | BaseException] = {}

    def call(name: str) -> None:
        try:
            results[name] = calls[name]()
        except BaseException as error:  # noqa: BLE001 -- whoever asked decides what it means
            results[name] = error

    threads = [threading.Thread(target=call, args=(name,), daemon=True) for name in calls]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {name: results.get(name, TimeoutError()) for name in calls}
