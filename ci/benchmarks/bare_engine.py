"""The engine calls that checks of images and containers make, judging nothing.

    python bare_engine.py SCRIPT WORKSPACE

A script is either everything that a lab's check asks of the engine, side by side where it does so
side by side, or one chain of calls of which each waits for the one before it. What the ratio to it
shows is what devlab adds: copies, canaries, reading layers, verdicts, and waiting for processors.
"""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

PORT = "23456"
LABELS = {"devlab.bench": "bare"}
# The same as the checks', so that both wait for the same things.
HEALTH = {"interval": 250_000_000, "retries": 2, "start_period": 1_000_000}
# So many runs of the health check devlab waits for, on average, before it breaks the service.
RUNS_BEFORE = 4
WAIT_IN_FLIGHT = 2
# A health endpoint that any query breaks, for all processes of the service.
BREAKABLE = """
    from pathlib import Path

    from flask import request

    if request.query_string:
        Path("/tmp/broken").touch()
    elif Path("/tmp/broken").exists():
        raise RuntimeError
    return {"status": "ok"}
"""
# What the tests of slim-image do in the container: walk through every file that its user can see.
WALK = ["find", "/", "-xdev", "-name", "*.pyc"]

client = docker.from_env()


def buildkit() -> str:
    """Return a docker command that can use BuildKit; the first on PATH may lack the plugin."""
    for folder in os.get_exec_path():
        program = Path(folder) / "docker"
        if program.is_file():
            tried = subprocess.run(
                [program, "build", "--help"],
                env={**os.environ, "DOCKER_BUILDKIT": "1"},
                capture_output=True,
                check=False,
            )
            if tried.returncode == 0:
                return str(program)
    raise SystemExit("no docker command here can use BuildKit")


@dataclass(frozen=True)
class Work:
    """A copy of the workspace, and the images that are built from it: as it is, and changed."""

    program: str
    folder: Path
    image: str

    @property
    def changed(self) -> str:
        """The name of the image that is built after a change of the application."""
        return f"{self.image}-changed"

    def build(self) -> None:
        """Build the image of the work as it is."""
        self._build(self.image)

    def rebuild(self) -> None:
        """Make a health endpoint that can be broken, and build again."""
        health = self.folder / "app" / "health.py"
        health.write_text(health.read_text().replace('    return {"status": "ok"}\n', BREAKABLE))
        self._build(self.changed)

    def _build(self, tag: str) -> None:
        labels = [part for key, value in LABELS.items() for part in ("--label", f"{key}={value}")]
        subprocess.run(
            [self.program, "build", "--quiet", *labels, "--tag", tag, self.folder],
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            check=True,
            capture_output=True,
        )


@contextmanager
def copied(source: Path) -> Iterator[Work]:
    """Copy a workspace; at the end its images are removed."""
    token = secrets.token_hex(4)
    with tempfile.TemporaryDirectory() as made:
        work = Work(buildkit(), Path(made) / "work", f"devlab-bare:{token}")
        shutil.copytree(source, work.folder)
        # A new file makes the copy of the application a new layer, as the check's canaries do.
        (work.folder / "app" / "token.py").write_text(f'TOKEN = "{token}"\n')
        yield work
    for tag in (work.image, work.changed):
        with suppress(docker.errors.ImageNotFound):
            client.images.remove(tag, force=True)


def ask(port: int, path: str, method: str = "GET", body: str | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=9)
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextmanager
def running(image: str, **options: Any) -> Iterator[tuple[Any, int]]:
    """Start a container and wait until it answers."""
    container = client.containers.run(
        image,
        detach=True,
        environment={"PORT": PORT},
        ports={f"{PORT}/tcp": ("127.0.0.1", None)},
        labels=LABELS,
        mem_limit="512m",
        pids_limit=256,
        nano_cpus=1_500_000_000,
        **options,
    )
    try:
        container.reload()
        port = int(container.ports[f"{PORT}/tcp"][0]["HostPort"])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                ask(port, "/")
                break
            time.sleep(0.04)
        yield container, port
    finally:
        container.remove(force=True)


def exercise(port: int) -> None:
    ask(port, "/")
    ask(port, "/healthz")
    ask(port, "/api/items", "POST", '{"name": "x"}')
    ask(port, "/api/items")


def serves(image: str) -> None:
    with running(image) as (container, port):
        exercise(port)
        container.top(ps_args="-eo pid,uid,args")


def hardened(image: str) -> None:
    with running(
        image,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        tmpfs={"/tmp": ""},
    ) as (_, port):
        exercise(port)


def breaks(image: str) -> None:
    """Wait until a container is healthy, look on, break it, and wait until that is noticed."""
    with running(image, healthcheck=HEALTH) as (container, port):

        def read_health() -> Any:
            return client.api.inspect_container(container.id)["State"]["Health"]

        def wait_for(status: str) -> None:
            while read_health()["Status"] != status:
                time.sleep(0.03)

        def wait_for_runs(number: int) -> None:
            # A run takes as long again as the pause before it: they are counted, as devlab does.
            seen = {run["Start"] for run in read_health()["Log"]}
            enough = len(seen) + number
            while len(seen) < enough:
                time.sleep(0.03)
                seen |= {run["Start"] for run in read_health()["Log"]}

        wait_for("healthy")
        wait_for_runs(RUNS_BEFORE)
        ask(port, "/healthz?now")
        wait_for("unhealthy")


def stops(image: str) -> None:
    with running(image) as (container, port):
        path = f"/api/items/changes?wait={WAIT_IN_FLIGHT}"
        in_flight = threading.Thread(target=ask, args=(port, path))
        in_flight.start()
        time.sleep(0.5)
        container.kill("SIGTERM")
        container.wait()
        in_flight.join()


def walks(image: str) -> None:
    with running(image) as (container, _):
        container.exec_run(WALK)


def export(image: str) -> None:
    for _ in client.api.get_image(image):
        pass


def together(*calls: Callable[[], None]) -> None:
    """Make calls side by side; the first that raises raises here."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()


def containerize_flask(work: Work) -> None:
    """Everything, as much of it side by side as it can be."""
    work.build()

    def rebuilt() -> None:
        work.rebuild()
        together(lambda: breaks(work.changed), lambda: export(work.changed))

    together(
        rebuilt,
        lambda: serves(work.image),
        lambda: hardened(work.image),
        lambda: stops(work.image),
        lambda: export(work.image),
    )


def stopped(work: Work) -> None:
    """The tasks in the order of their needs, up to the one that is stopped in mid-request."""
    work.build()
    serves(work.image)
    stops(work.image)


def watched(work: Work) -> None:
    """The same, up to the one whose health is watched; its image is built meanwhile."""
    work.build()
    together(lambda: serves(work.image), work.rebuild)
    breaks(work.changed)


def walked(work: Work) -> None:
    """The same, up to a look at all files from inside a container."""
    work.build()
    serves(work.image)
    walks(work.image)


def layered(work: Work) -> None:
    """The same, up to the comparison of the layers before and after a change."""
    work.build()
    serves(work.image)
    together(lambda: export(work.image), work.rebuild)


SCRIPTS: dict[str, Callable[[Work], None]] = {
    script.__name__: script for script in (containerize_flask, stopped, watched, walked, layered)
}


if __name__ == "__main__":
    with copied(Path(sys.argv[2])) as prepared:
        SCRIPTS[sys.argv[1]](prepared)
