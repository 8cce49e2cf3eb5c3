"""Remove what runs left behind: found by its label, whoever made it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine.connection import (
    RUN_LABEL,
    Engine,
    connect,
    is_there,
    translate_engine_errors,
)

# Seconds for which things of a run that ends are tried again, and between two tries.
_PATIENCE = 15.0
_PAUSE = 0.1
# Seconds for which a build that was cut off may still come to an image: its client is gone, but
# the engine may be past the last step at which it looks for that.
_LATE = 2.0
_cut_off: dict[str, float] = {}


def note_cut_off(run_id: str) -> None:
    """Note that a build of a run was cut off: what it made may appear a little later."""
    _cut_off[run_id] = time.monotonic()


def remove_run(run_id: str, engine: Engine | None = None) -> int:
    """Remove every container, image, network and volume of a run; return how many there were.

    What cannot be removed at once is tried again for some seconds: an engine refuses to remove a
    container whose removal has begun elsewhere, and an image while its container goes.
    Where a build of the run was cut off, it looks once more a little later. Does nothing, silently,
    where no engine answers.
    """

    def remove() -> int:
        return _remove(f"{RUN_LABEL}={run_id}", lambda owner: owner == run_id, engine, _PATIENCE)

    removed = remove()
    wait = _cut_off.pop(run_id, -_LATE) + _LATE - time.monotonic()
    if wait > 0:
        time.sleep(wait)
        removed += remove()
    return removed


def sweep(is_dead: Callable[[str], bool], engine: Engine | None = None) -> int:
    """Remove what belongs to runs that are dead, as `is_dead(run id)` says; return how much.

    What cannot be removed is left to the next sweep. Does nothing, silently and within
    milliseconds, where no engine can answer.
    """
    return _remove(RUN_LABEL, is_dead, engine, 0)


def _remove(
    label: str, wanted: Callable[[str], bool], engine: Engine | None, patience: float
) -> int:
    if engine is None:
        if not is_there():
            return 0
        try:
            engine = connect()
        except UnavailableError:
            return 0
    deadline = time.monotonic() + patience
    removed: set[str] = set()
    with contextlib.suppress(UnavailableError):
        while True:
            gone, refused = _remove_once(engine.api, label, wanted)
            removed |= gone
            if not (gone or refused) or time.monotonic() >= deadline:
                break
            if refused:
                time.sleep(_PAUSE)
    return len(removed)


def _remove_once(
    api: Any, label: str, wanted: Callable[[str], bool]
) -> tuple[frozenset[str], bool]:
    """Remove what is there; return the names of what went, and whether the engine refused some."""
    gone: set[str] = set()
    refused = False
    for things, remove in _stores(api, label):
        if things is None:
            refused = True
            continue
        for name, labels in things:
            if wanted((labels or {}).get(RUN_LABEL, "")):
                if _quietly(remove, name):
                    gone.add(name)
                else:
                    refused = True
    return frozenset(gone), refused


Things = Iterable[tuple[str, dict[str, str] | None]]


def _stores(api: Any, label: str) -> Iterable[tuple[Things | None, Callable[[str], object]]]:
    """Yield what carries the label, with what removes it: containers first, they hold the rest."""
    filters = {"label": label}
    yield (
        _listed(lambda: api.containers(all=True, filters=filters), "Id"),
        lambda name: api.remove_container(name, force=True, v=True),
    )
    yield (
        _listed(lambda: api.images(all=True, filters=filters), "Id"),
        lambda name: api.remove_image(name, force=True),
    )
    yield (_listed(lambda: api.networks(filters=filters), "Id"), api.remove_network)
    yield (
        _listed(lambda: api.volumes(filters=filters)["Volumes"] or [], "Name"),
        lambda name: api.remove_volume(name, force=True),
    )


def _listed(ask: Callable[[], list[dict[str, Any]]], key: str) -> Things | None:
    """Return names and labels of what the engine lists; None where it does not list it now.

    Raises UnavailableError where the engine is gone.
    """
    import requests  # the SDK brings it and is loaded by now
    from docker.errors import DockerException

    try:
        with translate_engine_errors():
            return [(thing[key], thing.get("Labels")) for thing in ask()]
    except (requests.exceptions.RequestException, DockerException):
        return None


def _quietly(remove: Callable[[str], object], name: str) -> bool:
    """Remove one thing and say whether that is done; somebody else may have been quicker."""
    import requests
    from docker.errors import DockerException

    try:
        remove(name)
    except (requests.exceptions.RequestException, DockerException):
        return False
    return True
