"""Sweep up after runs that died: their folders, and what they left in the Docker Engine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from scaffolder.core.folders import remove_tree
from scaffolder.core.log import write_log
from scaffolder.core.run_folders import find_dead_folders, is_dead

# Seconds within which a check ends that found everything kept.
_AT_ONCE = 0.3


@dataclass(frozen=True)
class Swept:
    """What a sweep removed: folders of dead runs, and things in the Docker Engine."""

    folders: int
    engine: int


def sweep() -> Swept:
    """Remove everything that dead runs left behind: folders, containers, images, networks."""
    from scaffolder.tools import engine

    dead = find_dead_folders()
    removed = engine.sweep(is_dead)
    for folder in dead:
        remove_tree(folder)
    return Swept(folders=len(dead), engine=removed)


def sweep_and_note() -> None:
    """Sweep; what goes wrong in it is noted and stops nobody."""
    try:
        sweep()
    except Exception as error:  # noqa: BLE001 -- tidying up must not spoil a check
        write_log("sweep", error)


@contextlib.contextmanager
def sweep_meanwhile() -> Iterator[None]:
    """Sweep beside what the block does; what goes wrong in it is noted and stops nobody.

    A block that is over at once, as where nothing has to be checked, is not held up to ask an
    engine: then it is swept only where a dead run is seen.
    """

    over, began = threading.Event(), threading.Event()

    def sweep_unless_over() -> None:
        if not over.wait(_AT_ONCE):
            began.set()
            sweep_and_note()

    broom = threading.Thread(target=sweep_unless_over, name="sweep", daemon=True)
    broom.start()
    try:
        yield
    finally:
        over.set()
        broom.join()
    if not began.is_set() and find_dead_folders():
        sweep_and_note()
