"""The fixtures of the kind `pytest` that need a Docker Engine or Terraform, on the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder.checks.context import Context
from scaffolder.checks.docker.fixture_parameters import ContainerParameters
from scaffolder.checks.docker.serving_tests import DockerFixtureService
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.serving import TimeBudget
from scaffolder.core.errors import InterruptedRunError, WorkFaultError
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


# A service that ends by itself: the test waits for that, or is in the middle of something.
ENDS = 'FROM python:3.13-slim\nCMD ["sh", "-c", "echo last words; sleep 1; exit 3"]\n'
AWAIT_END = """\
import time
def test_it(container):
    assert container.status.running and container.status.exit_code is None
    while container.status.running: time.sleep(0.05)
    assert (container.status.exit_code, container.status.out_of_memory) == (3, False)
    assert container.logs() == "last words"
    {test}
"""


@pytest.mark.engine
@pytest.mark.parametrize(
    "test", ["container.exec(['true'])", "container.stop()", "container.restart()"]
)
def test_a_container_that_has_ended_is_a_fail_in_words(bench: Bench, test: str) -> None:
    bench.put({"Dockerfile": ENDS})
    verdict = bench.check(AWAIT_END.format(test=test))
    assert verdict.outcome is Outcome.FAIL, verdict
    assert verdict.message == "the container ended by itself (exit code 3)"
    assert verdict.evidence is not None
    assert verdict.evidence.log == ("last words",)


@pytest.mark.engine
@pytest.mark.parametrize(
    "test", ["while True: container.exec(['true'])", "container.exec(['sleep', '20'], timeout=30)"]
)
def test_a_container_that_ends_under_a_command_is_a_fail_in_words(bench: Bench, test: str) -> None:
    bench.put({"Dockerfile": ENDS})
    verdict = bench.check(f"def test_it(container):\n    {test}")
    assert (verdict.outcome, verdict.message) == (
        Outcome.FAIL,
        "the container ended by itself (exit code 3)",
    )


@pytest.mark.engine
def test_whatever_becomes_of_a_container_is_no_fault_of_the_grader(bench: Bench) -> None:
    """Each thing that a test can do with a container that somebody removed meanwhile."""
    bench.put({"Dockerfile": DOCKERFILE, "server.py": SERVER})
    run = bench.run()
    context = Context(run, "check", 60)
    service = DockerFixtureService(context, ContainerParameters(), TimeBudget(60))
    ask = service.requests
    for words, what in {
        "ended by itself": lambda one: ask["container.exec"](one, ["true"], 5),
        "ended": lambda one: ask["container.stop"](one, 1),
        "ended by": ask["container.await"],
        "does not start again": ask["container.again"],
    }.items():
        number = ask["container.start"]()
        service._containers[number][0].container.remove()
        with pytest.raises((CheckFailedError, WorkFaultError), match=words):
            what(number)
        assert ask["container.logs"](number, 5) == ""
        assert ask["container.status"](number)["running"] is False
        ask["container.remove"](number)
    service.close()
    run.shared.close()


@pytest.mark.engine
def test_a_container_that_the_test_stopped_is_the_tests_mistake(bench: Bench) -> None:
    bench.put({"Dockerfile": DOCKERFILE, "server.py": SERVER})
    verdict = bench.check(
        "def test_it(container):\n    container.stop()\n    container.exec(['x'])"
    )
    assert verdict.outcome is Outcome.ERROR
    assert "test_it.py:3: RuntimeError: the test stopped this container" in verdict.message


@pytest.mark.engine
def test_an_image_is_run_to_its_end(bench: Bench) -> None:
    bench.put({"Dockerfile": 'FROM python:3.13-slim\nENTRYPOINT ["sh", "-c"]\nCMD ["exit 9"]\n'})
    run = bench.run()
    verdict = bench.check(
        """
        import pathlib
        import pytest

        def test_it_says_what_it_did(image, tmp_path):
            (tmp_path / "given").mkdir(mode=0o700)
            (tmp_path / "given" / "a b.txt").write_text("kept\\n")
            (tmp_path / "given" / "a b.txt").chmod(0o600)
            ran = image.run(
                ['cd /given; cat * /more/file.py; cat; echo $WHO $(id -u) >&2; rm *; exit 4'],
                stdin="stdin",
                mounts={"/given": tmp_path / "given", "/more/file.py": __file__},
                env={"WHO": "me"},
                user="1234",
            )
            assert ran.code == 4
            assert ran.out == "kept\\n" + pathlib.Path(__file__).read_text() + "stdin"
            assert ran.err.startswith("me 1234") and "Read-only" in ran.err

        def test_without_arguments(image):
            assert image.run().code == 9
            assert image.run(["cat"], stdin=b"").out == ""

        def test_much_that_nobody_reads(image):
            assert image.run(["true"], stdin=bytes(4_000_000)).code == 0

        def test_it_has_no_network(image):
            code = "import socket; socket.create_connection((chr(49) + '.1.1.1', 80), 9)"
            ran = image.run([f'python3 -c "{code}"'])
            assert "unreachable" in ran.err

        def test_a_target_is_absolute(image):
            with pytest.raises(ValueError, match="no absolute path"):
                image.run(mounts={"given": __file__})
        """,
        run=run,
    )
    assert verdict.outcome is Outcome.PASS, verdict
    run.shared.close()
    assert left_in_engine(run.id) == []


@pytest.mark.engine
@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("image.run(['sleep', '60'], timeout=1)", "sleep 60 did not end within 1 seconds"),
        ("image.run(['yes'])", "yes printed without end"),
        ("image.run(['sh', '-c', 'exit 5'], check=True)", "ended with exit code 5"),
        ("image.run(['nope'])", "the container cannot be started"),
        ("image.run(['python3', '-c', 'bytearray(900_000_000)'])", "too much memory"),
        ("image.run(['true'], mounts={'/x': workspace / 'away'})", "away leads outside"),
    ],
)
def test_what_a_run_of_the_image_does_is_the_learners(bench: Bench, test: str, words: str) -> None:
    bench.put({"Dockerfile": "FROM python:3.13-slim\n"})
    # As a command of the learner's may leave it in the copy.
    leave = "run(['ln', '-s', '/etc/passwd', 'away'])"
    verdict = bench.check(f"def test_it(image, workspace, run):\n    {leave}\n    {test}")
    assert verdict.outcome is Outcome.FAIL, verdict
    assert words in verdict.message


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
