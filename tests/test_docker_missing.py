"""An engine that dies, that one may not use, that lacks its command: never the learner's fault."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.tools.engine.connection import find_endpoint

NOBODY = 65534
IMAGE = "python:3.13-slim"
NEEDED = ("unshare", "nsenter", "ip", "dockerd", "docker")


class PrivateEngine:
    """A second engine in name spaces of its own, whose end takes all that it started with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix://{folder}/socket"
        self._init: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = (
            "mount --make-rprivate / && ip link set lo up &&"
            f" dockerd --data-root {self._folder}/data --exec-root {self._folder}/exec"
            f" --pidfile {self._folder}/pid --host {self.address} > {self._folder}/log 2>&1 &"
            " sleep infinity"
        )
        self._init = subprocess.Popen(
            [
                *("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc"),
                "sh",
                "-c",
                command,
            ],
            start_new_session=True,
        )
        eventually(self._answers, 60)

    def _answers(self) -> bool:
        with contextlib.suppress(docker.errors.DockerException):
            return bool(docker.DockerClient(self.address).ping())
        return False

    @property
    def inside(self) -> int:
        """The id of the process that is number 1 in there."""
        assert self._init is not None
        return children(self._init.pid)[0]

    def entered(self, *command: str | Path) -> list[str]:
        """Return the command line that runs `command` where published ports are reached."""
        return ["nsenter", f"--net=/proc/{self.inside}/ns/net", *map(str, command)]

    def kill(self) -> None:
        """Kill the engine alone, as running out of memory would; its containers run on."""
        for pid in children(self.inside):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd":
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(self.inside, signal.SIGKILL)
            self._init.wait(timeout=30)
            self._init = None
        for left in ("socket", "pid"):
            (self._folder / left).unlink(missing_ok=True)
        # What is written down there are process ids, which mean others the next time.
        shutil.rmtree(self._folder / "exec", ignore_errors=True)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def eventually(met: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def private_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    """A private engine with the base image; each test starts it anew."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"a second engine needs root, {', '.join(missing or NEEDED)}")
    folder = tmp_path_factory.mktemp("engine")
    engine = PrivateEngine(folder)
    try:
        engine.start()
        shared = docker.DockerClient(find_endpoint())
        docker.DockerClient(engine.address).images.load(
            b"".join(shared.images.get(IMAGE).save(named=True))
        )
        engine.stop()
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def private(private_data: PrivateEngine) -> Iterator[PrivateEngine]:
    private_data.start()
    yield private_data
    private_data.stop()


def a_step_runs() -> bool:
    return any(
        b"sleep\x001234567\x00" in read(path) for path in Path("/proc").glob("[0-9]*/cmdline")
    )


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.engine
@pytest.mark.parametrize("moment", ["building", "serving"])
def test_an_engine_that_dies_in_the_middle_is_nobodys_fail(
    private: PrivateEngine, tmp_path: Path, moment: str
) -> None:
    work, report = tmp_path / "work", tmp_path / "report.json"
    build_state(catalog.load_lab("containerize-flask"), "solution", {}, work)
    if moment == "building":
        with (work / "Dockerfile").open("a") as file:
            file.write("RUN sleep 1234567\n")
    client = docker.DockerClient(private.address)
    check = subprocess.Popen(
        private.entered(
            *(sys.executable, "-m", "scaffolder.cli", "check", work),
            *("--format", "json", "--output", report),
        ),
        env={**os.environ, "DOCKER_HOST": private.address},
        cwd=Path(__file__).parent.parent,
    )
    try:
        begun = a_step_runs if moment == "building" else client.containers.list
        eventually(lambda: check.poll() is not None or begun(), 120)
        private.kill()
        assert check.wait(timeout=90) == 3
    finally:
        check.kill()
    tasks = {task["id"]: task["verdict"] for task in json.loads(report.read_text())["tasks"]}
    assert set(tasks.values()) == {"pass", "unavailable"}
    assert tasks["dockerfile-is-clean"] == "pass"
    assert tasks["runs-hardened"] == "unavailable"


@pytest.mark.engine
def test_a_user_who_may_not_use_the_engine_is_told_what_to_do() -> None:
    socket = find_endpoint().removeprefix("unix://")
    if os.geteuid() != 0 or not Path(socket).is_socket() or Path(socket).stat().st_mode & 0o006:
        pytest.skip("needs root, and an engine whose socket is not for everybody")
    code = (
        "import getpass, grp, os, pwd\n"
        "from scaffolder.core.errors import UnavailableError\n"
        "from scaffolder.tools import engine\n"
        # Loaded before, as that user may not read our code either.
        "connect = engine.connect\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try: connect()\n"
        "except UnavailableError as error: print(error.message, '|', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "this user may not use the Docker Engine" in done.stdout
    assert "usermod -aG docker" in done.stdout
