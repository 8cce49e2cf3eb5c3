"""Remove what runs left behind: found by its label, whoever made it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from scaffolder.errors import UnavailableError
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, connect, is_there


def remove_run(run_id: str, engine: Engine | None = None) -> int:
    """Remove every container, image, network and volume of a run; return how many there were.

    Does nothing, silently, where no engine answers.
    """
    return _remove(f"{RUN_LABEL}={run_id}", lambda owner: owner == run_id, engine)


def sweep(is_dead: Callable[[str], bool], engine: Engine | None = None) -> int:
    """Remove what belongs to runs that are dead, as `is_dead(run id)` says; return how much.

    Does nothing, silently and within milliseconds, where no engine can answer.
    """
    return _remove(RUN_LABEL, is_dead, engine)


def _remove(label: str, wanted: Callable[[str], bool], engine: Engine | None) -> int:
    if engine is None:
        if not is_there():
            return 0
        try:
            engine = connect()
        except UnavailableError:
            return 0
    removed = 0
    with contextlib.suppress(UnavailableError):
        for things, remove in _stores(engine.api, label):
            for name, labels in things:
                if wanted((labels or {}).get(RUN_LABEL, "")):
                    removed += _quietly(remove, name)
    return removed


Things = Iterable[tuple[str, dict[str, str] | None]]


def _stores(api: Any, label: str) -> Iterable[tuple[Things, Callable[[str], object]]]:
    """Yield what carries the label, with what removes it: containers first, they hold the rest."""
    filters = {"label": label}
    yield (
        _listed(lambda: api.containers(all=True, filters=filters), "Id"),
        lambda name: api.remove_container(name, force=True, v=True),
    )
    yield (
        _listed(lambda: api.images(filters=filters), "Id"),
        lambda name: api.remove_image(name, force=True),
    )
    yield (_listed(lambda: api.networks(filters=filters), "Id"), api.remove_network)
    yield (
        _listed(lambda: api.volumes(filters=filters)["Volumes"] or [], "Name"),
        lambda name: api.remove_volume(name, force=True),
    )


def _listed(ask: Callable[[], list[dict[str, Any]]], key: str) -> Things:
    import requests  # the SDK brings it and is loaded by now
    from docker.errors import DockerException

    try:
        return [(thing[key], thing.get("Labels")) for thing in ask()]
    except (requests.exceptions.RequestException, DockerException):
        return []


def _quietly(remove: Callable[[str], object], name: str) -> int:
    """Remove one thing; somebody else may have been quicker, which is as good."""
    import requests
    from docker.errors import DockerException

    try:
        remove(name)
    except (requests.exceptions.RequestException, DockerException):
        return 0
    return 1
