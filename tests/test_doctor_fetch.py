"""`devlab doctor --fetch`: from a registry and an index of our own, whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import re
import signal
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from rich.console import Console

from scaffolder.readiness import FetchSaid, FetchStarted
from scaffolder.report.doctor import Fetches
from scaffolder.report.progress import Display
from scaffolder.tools.engine.connection import endpoint
from tests.support.command import Devlab, shell
from tests.test_doctor import ENGINE_TASKS, make_lab, seen

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PIPELINE_TASKS = """\
  - id: green
    title: It is green
    points: 100
    hints: [a]
    checks:
      - {id: passes, kind: pipeline.passes}
"""


class Registry:
    """A registry, https://distribution.github.io/distribution/spec/api/, with one image.

    `asked` are the paths of the requests; while `stuck`, blobs begin and do not end.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stuck = threading.Event()
        self.begun = threading.Event()
        self.over = threading.Event()
        self._store()
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def do_HEAD(self) -> None:
                registry.answer(self)

            def do_GET(self) -> None:
                registry.answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.image = f"localhost:{self.server.server_port}/base:1"

    def _store(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("devlab-was-here"))
        layer = gzip.compress(packed.getvalue(), mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [digest(packed.getvalue())]},
            }
        ).encode()
        self.blobs = {digest(layer): layer, digest(config): config}
        types = (
            "application/vnd.docker.container.image.v1+json",
            ("application/vnd.docker.image.rootfs.diff.tar.gzip"),
        )
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": types[0], "size": len(config), "digest": digest(config)},
                "layers": [{"mediaType": types[1], "size": len(layer), "digest": digest(layer)}],
            }
        ).encode()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        kind, content = "application/json", b"{}"
        if "/manifests/" in request.path:
            kind, content = MANIFEST, self.manifest
        elif "/blobs/" in request.path:
            kind = "application/octet-stream"
            content = self.blobs[request.path.rpartition("/")[2]]
        if "/unknown/" in request.path:
            kind, content = "application/json", b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}'
        request.send_response(404 if "/unknown/" in request.path else 200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Docker-Content-Digest", digest(content))
        request.end_headers()
        if "/blobs/" in request.path and self.stuck.is_set():
            self.begun.set()
            self.over.wait(60)
        elif request.command == "GET":
            request.wfile.write(content)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.over.set()
    made.server.shutdown()
    for image in docker.DockerClient(endpoint()).images.list(made.image.rpartition(":")[0]):
        docker.DockerClient(endpoint()).images.remove(image.id, force=True)


@pytest.mark.engine
def test_an_image_is_looked_for_then_fetched(
    devlab: Devlab, registry: Registry, tmp_path: Path
) -> None:
    lab = make_lab(tmp_path, ENGINE_TASKS, f"FROM {registry.image}\n")
    key = f"image:{registry.image}"

    offline = devlab("doctor", lab, "--offline", "--format", "json")
    assert (offline.code, seen(offline)[key]["status"]) == (3, "missing")
    assert registry.asked == []

    online = devlab("doctor", lab, "--format", "json")
    assert (online.code, seen(online)[key]["status"]) == (0, "warning")
    assert seen(online)[key]["fix"] == [f"docker pull {registry.image}"]

    fetched = devlab("doctor", lab, "--fetch")
    assert fetched.code == 0, fetched
    assert f"{registry.image}  pulled" in fetched.err
    assert "without a network" in fetched.out
    assert "100 of 100 points" in fetched.out

    before = list(registry.asked)
    again = devlab("doctor", lab, "--fetch")
    assert "here already" in again.err
    assert registry.asked == before


def test_the_terminal_shows_how_far_a_fetch_is() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    display = Display(screen, Fetches())
    display(FetchStarted("key", "python:3.13-slim"))
    display(FetchSaid("key", "python:3.13-slim", "12 of 45 MB"))
    with screen.capture() as drawn:
        screen.print(display._render())
    assert re.search(r" 0 s +python:3\.13-slim +12 of 45 MB", drawn.get())


@pytest.mark.engine
def test_an_image_that_a_registry_does_not_have_says_nothing_of_its_others(
    devlab: Devlab, registry: Registry, tmp_path: Path
) -> None:
    unknown = f"{registry.image.partition('/')[0]}/a/unknown:1"
    lab = make_lab(tmp_path, ENGINE_TASKS, f"FROM {unknown}\nFROM {registry.image}\n")
    found = seen(devlab("doctor", lab, "--format", "json"))
    assert found[f"image:{unknown}"]["status"] == "missing"
    assert found[f"image:{registry.image}"]["status"] == "warning"


@pytest.mark.engine
def test_an_interrupted_fetch_leaves_no_half_image(registry: Registry, tmp_path: Path) -> None:
    lab = make_lab(tmp_path, ENGINE_TASKS, f"FROM {registry.image}\n")
    registry.stuck.set()
    process = shell("doctor", lab, "--fetch", cwd=tmp_path)
    assert registry.begun.wait(60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not docker.DockerClient(endpoint()).images.list(registry.image)


@pytest.mark.engine
def test_what_cannot_be_fetched_is_named_with_its_cause(devlab: Devlab, tmp_path: Path) -> None:
    lab = make_lab(tmp_path, ENGINE_TASKS, "FROM localhost:1/nowhere:1\n")
    said = devlab("doctor", lab, "--fetch")
    assert said.code == 3
    assert "localhost:1/nowhere:1" in said.err
    assert "refused" in said.err
    assert "40 of 100 points" in said.out


def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, index: str) -> None:
    """Let pip know one index alone, and devlab no wheel."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_without_an_index_the_wheels_are_missing(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere(monkeypatch, tmp_path, "http://127.0.0.1:1/simple")
    lab = make_lab(tmp_path, PIPELINE_TASKS)
    said = devlab("doctor", lab, "--format", "json")
    assert said.code == 3
    assert seen(said)["wheels"]["status"] == "missing"
    assert "127.0.0.1" in seen(said)["wheels"]["message"]


def test_interrupted_wheels_leave_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Registry()
    index.stuck.set()
    address = f"http://127.0.0.1:{index.server.server_port}/blobs/simple"
    index.blobs = dict.fromkeys(("", "build", "pip", "setuptools", "wheel"), b"<html></html>")
    nowhere(monkeypatch, tmp_path, address)
    process = shell("doctor", make_lab(tmp_path, PIPELINE_TASKS), "--fetch", cwd=tmp_path)
    assert index.begun.wait(60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    index.over.set()
    index.server.shutdown()
    assert process.returncode == 130, err
    left = [one.name for one in (tmp_path / "cache" / "devlab" / "wheels").iterdir()]
    assert [name for name in left if not name.startswith("extra-")] == []
