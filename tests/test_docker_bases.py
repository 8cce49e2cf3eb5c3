"""The base of an image, however its Dockerfile names it: a real engine and a small registry."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import secrets
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest

from scaffolder.checks import image
from scaffolder.checks._images import contents, engine_of
from scaffolder.checks.base import Context, Run
from scaffolder.errors import UnavailableError
from scaffolder.model import Outcome
from scaffolder.tools import engine
from scaffolder.tools.engine import building
from scaffolder.tools.engine.buildlog import bases
from scaffolder.workspace import snapshot

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEGABYTES = 3


class Registry:
    """A registry that hands out images of one random file each."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                content = registry.blobs.get(registry.tags.get(name, name))
                known = content is not None or self.path == "/v2/"
                content = content if content is not None else b"{}"
                kind = MANIFEST if "/manifests/" in self.path else "application/octet-stream"
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Docker-Content-Digest", digest(content))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.repository = f"localhost:{self.server.server_port}/team/base"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def push(self, tag: str) -> str:
        """Let `tag` name a new image from now on, and return the digest of that."""
        unpacked = io.BytesIO()
        with tarfile.open(fileobj=unpacked, mode="w") as archive:
            member = tarfile.TarInfo("base")
            member.size = MEGABYTES * 1_000_000
            archive.addfile(member, io.BytesIO(secrets.token_bytes(member.size)))
        layer = self._keep(gzip.compress(unpacked.getvalue(), 1))
        config = self._keep(
            json.dumps(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": {"Env": ["PATH=/bin"]},
                    "rootfs": {"type": "layers", "diff_ids": [digest(unpacked.getvalue())]},
                }
            ).encode()
        )
        kinds = (
            "application/vnd.docker.container.image.v1+json",
            ("application/vnd.docker.image.rootfs.diff.tar.gzip"),
        )
        described = [
            {"mediaType": kind, "size": len(self.blobs[blob]), "digest": blob}
            for kind, blob in zip(kinds, (config, layer), strict=True)
        ]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described[0],
            "layers": described[1:],
        }
        self.tags[tag] = self._keep(json.dumps(manifest).encode())
        return self.tags[tag]

    def _keep(self, content: bytes) -> str:
        self.blobs[digest(content)] = content
        return digest(content)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.server.shutdown()
    forget(made)


def forget(registry: Registry) -> None:
    """Remove what the engine has of the registry's."""
    api = engine.connect().api
    for found in api.images():
        names = [*(found.get("RepoTags") or ()), *(found.get("RepoDigests") or ())]
        for name in names:
            if name.startswith(registry.repository) and "<none>" not in name:
                # Its last tag takes the digest with it.
                with contextlib.suppress(docker.errors.ImageNotFound):
                    api.remove_image(name, force=True)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    for folder in ("scratch", "work"):
        (tmp_path / folder).mkdir()
    run = Run(
        id=f"test-{secrets.token_hex(6)}",
        snapshot=tmp_path / "snapshot",
        scratch=tmp_path / "scratch",
        lab_root=tmp_path,
        variables={},
        faults={},
        start=lambda: tmp_path,
    )
    yield Context(run=run, check_id="tested", timeout=60)
    run.shared.close()


@pytest.fixture(params=["buildkit", "classic"])
def builder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "classic":
        monkeypatch.setattr(building, "buildkit_cli", lambda: "")
    elif not building.buildkit_cli():
        pytest.skip("no docker command here has BuildKit")
    return str(request.param)


def written(context: Context, text: str) -> Context:
    work = context.run.lab_root / "work"
    (work / "Dockerfile").write_text(text)
    snapshot(work, context.run.snapshot)
    return context


SMALL = image.ImageContents(megabytes=1, megabytes_in_all=1)


@pytest.mark.engine
@pytest.mark.parametrize("named", ["{repository}", "{repository}:1", "{repository}:1@{digest}"])
def test_a_base_is_found_by_any_name(
    builder: str, registry: Registry, context: Context, named: str
) -> None:
    name = named.format(repository=registry.repository, digest=registry.push("1"))
    registry.tags["latest"] = registry.tags["1"]
    ready = written(context, f"FROM {name}\nCOPY Dockerfile /\n")
    assert SMALL.run(ready).outcome is Outcome.PASS
    assert registry.repository in contents(ready, "Dockerfile").base


@pytest.mark.engine
def test_a_base_pinned_by_digest_is_found_when_its_tag_has_moved(
    builder: str, registry: Registry, context: Context
) -> None:
    pinned = registry.push("latest")
    registry.push("latest")
    # The engine has the newer image under the tag.
    engine.connect().api.pull(registry.repository)
    ready = written(context, f"FROM {registry.repository}@{pinned}\nCOPY Dockerfile /\n")
    assert SMALL.run(ready).outcome is Outcome.PASS
    assert pinned in contents(ready, "Dockerfile").base


@pytest.mark.engine
def test_what_is_added_to_a_base_that_nobody_can_look_at_is_no_fail(
    registry: Registry, context: Context
) -> None:
    if not building.buildkit_cli():
        pytest.skip("the classic builder keeps what it fetched in the engine")
    registry.push("1")
    ready = written(context, f"FROM {registry.repository}:1\nCOPY Dockerfile /\n")
    image.Builds().run(ready)
    registry.tags.clear()
    forget(registry)
    with pytest.raises(UnavailableError, match="cannot be looked at here"):
        SMALL.run(ready)
    assert image.ImageContents(megabytes=MEGABYTES + 1).run(ready).outcome is Outcome.PASS


@pytest.mark.engine
def test_a_stage_of_ones_own_is_no_base(builder: str, registry: Registry, context: Context) -> None:
    registry.push("1")
    text = (
        f"ARG FROM_WHAT={registry.repository}:1\nARG STAGE=own\nFROM $FROM_WHAT AS Own\n"
        "COPY Dockerfile /one\nFROM $STAGE\nCOPY Dockerfile /two\n"
    )
    found = contents(written(context, text), "Dockerfile")
    assert len(found.layers) == 2
    assert found.unknown == ()
    assert engine.inspect(engine_of(context.run), found.base) is not None


def test_bases_are_not_what_a_step_prints() -> None:
    printed = "#5 0.3 [internal] load metadata for nowhere"
    assert bases(["#3 [internal] load metadata for docker.io/library/x:1", printed]) == (
        "docker.io/library/x:1",
    )
    classic = ["Step 1/3 : FROM x AS Own", " ---> 0123456789ab", "Step 2/3 : FROM own"]
    assert bases([*classic, "Step 3/3 : FROM scratch"]) == ("x",)
