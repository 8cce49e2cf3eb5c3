"""A registry of images in this process: https://distribution.github.io/distribution/spec/api/."""

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

import docker

from scaffolder.tools import engine

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_PARTS = (
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
)


class Registry:
    """A registry that hands out images of one random file each.

    Random, because an engine fetches a layer once and shares it, whichever registry has it too.
    `asked` are the paths of the requests; while `stuck`, blobs begin (`begun`) and do not end
    before it is `over`.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.asked: list[str] = []
        self.stuck, self.begun, self.over = threading.Event(), threading.Event(), threading.Event()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry._answer(self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.repository = f"localhost:{self.port}/team/base"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End the server; who waits for a blob gets no more of it."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def push(self, tag: str, *, size: int = 0) -> str:
        """Let `tag` name a new image from now on, of `size` bytes, and return its digest."""
        unpacked = io.BytesIO()
        with tarfile.open(fileobj=unpacked, mode="w") as archive:
            member = tarfile.TarInfo(f"base-{secrets.token_hex(8)}")
            member.size = size
            archive.addfile(member, io.BytesIO(secrets.token_bytes(size)))
        content = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(unpacked.getvalue())]},
        }
        parts = (json.dumps(content).encode(), gzip.compress(unpacked.getvalue(), 1))
        config, *layers = (
            {"mediaType": kind, "size": len(part), "digest": self._keep(part)}
            for kind, part in zip(_PARTS, parts, strict=True)
        )
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers}
        self.tags[tag] = self._keep(json.dumps(manifest).encode())
        return self.tags[tag]

    def forget(self) -> None:
        """Remove from the engine what it has of this registry's."""
        api = engine.connect().api
        for found in api.images():
            names = [*(found.get("RepoTags") or ()), *(found.get("RepoDigests") or ())]
            for name in names:
                if name.startswith(self.repository) and "<none>" not in name:
                    # Its last tag takes the digest with it.
                    with contextlib.suppress(docker.errors.ImageNotFound):
                        api.remove_image(name, force=True)

    def _keep(self, content: bytes) -> str:
        self.blobs[_digest(content)] = content
        return _digest(content)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        name = request.path.rpartition("/")[2]
        content = self.blobs.get(self.tags.get(name, name))
        kind = _MANIFEST if "/manifests/" in request.path else "application/octet-stream"
        known = content is not None or request.path == "/v2/"
        if content is None:
            kind, content = "application/json", b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}'
        request.send_response(200 if known else 404)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Docker-Content-Digest", _digest(content))
        request.end_headers()
        if "/blobs/" in request.path and self.stuck.is_set():
            self.begun.set()
            self.over.wait(60)
        elif request.command == "GET":
            request.wfile.write(content)


@contextlib.contextmanager
def registry() -> Iterator[Registry]:
    """Run a registry for as long as the block lasts; nothing of it stays in the engine."""
    made = Registry()
    try:
        yield made
    finally:
        made.close()
        made.forget()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
