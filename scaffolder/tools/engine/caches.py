"""The caches that a build's RUNs mount: the builder keeps them, for whoever builds next."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

from scaffolder.tools.engine.connection import Engine, translate_engine_errors

_KIND = "exec.cachemount"


@contextlib.contextmanager
def forget_caches(engine: Engine, targets: Collection[str]) -> Iterator[None]:
    """Remove, after a build, the caches that it made for mounts at these places.

    What another build made meanwhile for the same places may go too: a cache may, at any time.
    """
    if not targets:
        yield
        return
    before = {record["ID"] for record in _caches(engine)}
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            for record in _caches(engine):
                described = str(record.get("Description", ""))
                own = any(described.startswith(f"cached mount {one} from ") for one in targets)
                if own and record["ID"] not in before:
                    engine.api.prune_builds(filters={"id": [record["ID"]]}, all=True)


def _caches(engine: Engine) -> list[dict[str, Any]]:
    with translate_engine_errors():
        records = engine.api.df().get("BuildCache") or []
    return [record for record in records if record.get("Type") == _KIND]
