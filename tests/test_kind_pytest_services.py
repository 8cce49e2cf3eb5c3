"""The fixtures of the kind `pytest` that need a Docker Engine or Terraform, on the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder.core.errors import InterruptedRunError
from scaffolder.labs import catalog, generate
from scaffolder.model import Outcome
from scaffolder.tools import engine
from scaffolder.tools.processes import CancelToken
from tests.support.testfiles import Bench, a_bench

SERVER = """\
import http.server, os, pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/breaks":
            os._exit(3)
        known = pathlib.Path("/tmp/kept").exists()
        body = b'{"kept": %s}' % (b"true" if known else b"false") if self.path == "/" else b"text"
        self.send_response(200)
        self.send_header("X-Word", "tea")
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        pathlib.Path("/tmp/kept").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.end_headers()
print("it starts", flush=True)
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = (
    'FROM python:3.13-slim\nLABEL who="tea"\nCOPY server.py /\nCMD ["python3", "/server.py"]\n'
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from a_bench(tmp_path)


def left_in_engine(run_id: str) -> list[str]:
    api = engine.connect().api
    filters = {"label": f"{engine.RUN_LABEL}={run_id}"}
    found = api.containers(all=True, filters=filters) + api.images(filters=filters)
    return [thing["Id"] for thing in found]


@pytest.mark.engine
def test_image_and_container(bench: Bench) -> None:
    bench.put({"Dockerfile": DOCKERFILE, "server.py": SERVER})
    run = bench.run()
    verdict = bench.check(
        """
        import pytest

        def test_it_has_a_label(image):
            assert image.labels == {"who": "tea"}
            assert image.config["Cmd"] == ["python3", "/server.py"]
            assert image.size > 1_000_000 and image.layers > 1

        def test_it_keeps_files_over_a_restart(container):
            first = container.get("/")
            assert (first.status, first.headers["x-word"]) == (200, "tea")
            assert first.json() == {"kept": False}
            assert container.url.startswith("http://")
            assert container.request("POST", "/", body={"a": 1}).status == 201
            container.restart()
            assert container.get("/").json() == {"kept": True}
            ran = container.exec(["cat", "/tmp/kept", "/nowhere"])
            assert (ran.code, ran.out) == (1, '{"a": 1}') and "nowhere" in ran.err
            assert "it starts" in container.logs()
            assert container.stop() == 7
            with pytest.raises(RuntimeError, match="start"):
                container.get("/")

        def test_another_container_is_fresh(container):
            assert container.get("/").json() == {"kept": False}
        """,
        run=run,
    )
    assert verdict.outcome is Outcome.PASS, verdict
    assert left_in_engine(run.id), "the image is the run's, for other checks to share"
    run.shared.close()
    assert left_in_engine(run.id) == []


@pytest.mark.engine
@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("container.get('/word').json()", "GET /word is answered with what is no JSON"),
        ("container.get('/breaks')", "GET /breaks is not answered"),
        ("container.exec(['sleep', '60'], timeout=1)", "sleep 60 did not end within 1 seconds"),
        ("container.exec(['yes'])", "yes printed without end"),
    ],
)
def test_what_the_container_does_is_the_learners(bench: Bench, test: str, words: str) -> None:
    bench.put({"Dockerfile": DOCKERFILE, "server.py": SERVER})
    verdict = bench.check(f"def test_it(container):\n    {test}")
    assert verdict.outcome is Outcome.FAIL, verdict
    assert words in verdict.message
    assert verdict.evidence is not None


@pytest.mark.engine
def test_an_image_that_does_not_build_fails_in_the_words_of_the_others(bench: Bench) -> None:
    bench.put({"Dockerfile": "FROM python:3.13-slim\nRUN exit 3\n"})
    verdict = bench.check("def test_a(image): pass\ndef test_b(container): pass")
    assert verdict.outcome is Outcome.FAIL
    assert [(one.path, one.line) for one in verdict.findings] == [("Dockerfile", 2)]


@pytest.mark.engine
def test_an_interruption_removes_the_container(bench: Bench) -> None:
    bench.put({"Dockerfile": DOCKERFILE, "server.py": SERVER})
    cancel = CancelToken()
    run = bench.run(cancel=cancel)
    mark = bench.folder / "mark"
    text = f"def test_it(container):\n    container.get('/')\n    open({str(mark)!r}, 'w')\n"

    import threading
    import time

    def cancel_in_the_middle() -> None:
        deadline = time.monotonic() + 60
        while not mark.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        cancel.cancel()

    threading.Thread(target=cancel_in_the_middle).start()
    with pytest.raises(InterruptedRunError):
        bench.check(f"{text}    while True: pass", run=run, timeout=120)
    run.shared.close()
    assert left_in_engine(run.id) == []


@pytest.mark.terraform
def test_terraform_is_applied_once_and_tells_its_outputs(bench: Bench, tmp_path: Path) -> None:
    from scaffolder.checks.context import Context
    from scaffolder.checks.terraform.kinds import Applies

    bench.work.rmdir()
    generate.build_state(catalog.load_lab("terraform-stubs"), "solution", {}, bench.work)
    run = bench.run()
    verdict = bench.check(
        """
        def test_it(terraform):
            assert terraform["bucket_name"], terraform
            assert terraform["role_arn"].startswith("arn:aws:iam:")
        """,
        run=run,
        timeout=300,
    )
    assert verdict.outcome is Outcome.PASS, verdict
    made = len(run.shared._made)
    assert Applies().run(Context(run, "other", 300)).outcome is Outcome.PASS
    assert len(run.shared._made) == made, "the other kind uses the same apply"
