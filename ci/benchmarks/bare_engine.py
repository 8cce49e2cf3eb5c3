"""The engine calls that a check of containerize-flask makes, side by side too, judging nothing.

    python bare_engine.py WORKSPACE

What the ratio to it shows is what devlab adds: copies, canaries, reading layers, verdicts.
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
from pathlib import Path
from typing import Any

import docker

PORT = "23456"
LABELS = {"devlab.bench": "bare"}
# The same as the check's, so that both wait for the same things.
HEALTH = {"interval": 250_000_000, "retries": 2, "start_period": 1_000_000}
WAIT_IN_FLIGHT = 2

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


def build(program: str, folder: Path, tag: str) -> None:
    subprocess.run(
        [program, "build", "--quiet", "--label", "devlab.bench=bare", "--tag", tag, folder],
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        check=True,
        capture_output=True,
    )


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


def becomes(image: str, status: str) -> None:
    with running(image, healthcheck=HEALTH) as (container, _):
        while client.api.inspect_container(container.id)["State"]["Health"]["Status"] != status:
            time.sleep(0.03)


def stops(image: str) -> None:
    with running(image) as (container, port):
        path = f"/api/items/changes?wait={WAIT_IN_FLIGHT}"
        in_flight = threading.Thread(target=ask, args=(port, path))
        in_flight.start()
        time.sleep(0.5)
        container.kill("SIGTERM")
        container.wait()
        in_flight.join()


def export(image: str) -> None:
    for _ in client.api.get_image(image):
        pass


def together(*calls: Callable[[], None]) -> None:
    """Make calls side by side; the first that raises raises here."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()


def main(source: Path) -> None:
    program = buildkit()
    token = secrets.token_hex(4)
    image, changed = f"devlab-bare:{token}", f"devlab-bare:{token}-changed"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "work"
        shutil.copytree(source, folder)
        # A new file makes the copy of the application a new layer, as the check's canaries do.
        (folder / "app" / "token.py").write_text(f'TOKEN = "{token}"\n')
        build(program, folder, image)
        health = folder / "app" / "health.py"
        broken = health.read_text().replace('"status": "ok"', '"status": "ok" if 0 else 1/0')
        health.write_text(broken)

        def rebuilt() -> None:
            build(program, folder, changed)
            together(lambda: becomes(changed, "unhealthy"), lambda: export(changed))

        together(
            rebuilt,
            lambda: serves(image),
            lambda: hardened(image),
            lambda: becomes(image, "healthy"),
            lambda: stops(image),
            lambda: export(image),
        )
    for tag in (image, changed):
        client.images.remove(tag, force=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
