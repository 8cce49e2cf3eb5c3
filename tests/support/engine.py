"""A run of its own for a test of what checks do in the Docker Engine."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from scaffolder.checks.context import Context, Run
from scaffolder.sandbox import OwnWork
from scaffolder.tools import engine
from scaffolder.tools.engine.connection import is_there

# An answer of the lab's own, for what is done again with it: it serves whatever PORT says.
REFERENCE = """\
FROM python:3.13-slim
CMD ["sh", "-c", "exec python3 -m http.server $PORT"]
"""


@contextlib.contextmanager
def running(folder: Path, *, start: Path) -> Iterator[Context]:
    """Yield what a check would get, with its folders in `folder`; nothing of it may be left."""
    (folder / "scratch").mkdir()
    answer = folder / "answer"
    answer.mkdir()
    (answer / "Dockerfile").write_text(REFERENCE)
    run = Run(
        id=f"test-{secrets.token_hex(6)}",
        snapshot=folder / "snapshot",
        scratch=folder / "scratch",
        sandbox=OwnWork(folder / "scratch"),
        lab_root=folder,
        variables={},
        faults={},
        start=lambda: start,
        reference=lambda: answer,
    )
    yield Context(run=run, check_id="tested", timeout=60)
    run.shared.close()
    assert leftovers(run.id) == []


def leftovers(*run_ids: str) -> list[str]:
    """Return the containers and images that the engine, if there is one, has of these runs."""
    if not is_there():
        return []
    api = engine.connect().api
    found = []
    for run_id in run_ids:
        filters = {"label": f"{engine.RUN_LABEL}={run_id}"}
        containers = api.containers(all=True, filters=filters)
        found += [f"container {one['Id']} ({one['Status']})" for one in containers]
        found += [f"image {one['Id']}" for one in api.images(all=True, filters=filters)]
    return found
