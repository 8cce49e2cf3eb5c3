"""Builds and containers with a real engine: hostile work ends as a fail, in bounded time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from scaffolder.checks.context import Context
from scaffolder.checks.docker import container, container_stop, dockerfile, image
from scaffolder.checks.docker.building import require_engine
from scaffolder.checks.http import Request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnavailableError, UnusableFileError
from scaffolder.grading.judge import judge
from scaffolder.model import Cause, CheckSpec, Outcome
from scaffolder.tools import engine
from scaffolder.tools.engine import building
from scaffolder.tools.engine.classic import BuildJob
from scaffolder.workspace import take_snapshot
from tests.support.engine import leftovers, running

BASE = "FROM python:3.13-slim\n"
SERVER = (
    "import os, http.server as h\n"
    "h.HTTPServer(('0.0.0.0', int(os.environ['PORT'])), h.SimpleHTTPRequestHandler)"
    ".serve_forever()\n"
)
# Finishes its request when told to stop, and then takes its time.
LINGERING = """
import http.server, os, signal, threading, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(1 if self.path == "/slow" else 0)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{{}}")
server = http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Slow)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
time.sleep({lingers})
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "learner's wörk"
    folder.mkdir()
    (folder / "server.py").write_text(SERVER)
    return folder


@pytest.fixture
def context(work: Path, tmp_path: Path) -> Iterator[Context]:
    with running(tmp_path, start=work) as made:
        yield made


def taken(context: Context, work: Path, text: str, timeout: float = 60) -> Context:
    """Write the Dockerfile, take the snapshot, and return a context with that time limit."""
    (work / "Dockerfile").write_text(text)
    take_snapshot(work, context.run.snapshot)
    return Context(run=context.run, check_id="tested", timeout=timeout)


@pytest.mark.engine
def test_a_build_without_end_fails_with_its_last_lines(context: Context, work: Path) -> None:
    limited = taken(context, work, f"{BASE}RUN echo nearly-there; sleep 600\n", timeout=4)
    with pytest.raises(CheckFailedError, match="did not end within 4 seconds") as caught:
        image.Builds().run(limited)
    evidence = caught.value.verdict.evidence
    assert evidence is not None
    assert any("nearly-there" in line for line in evidence.log)


@pytest.mark.engine
def test_the_classic_builder_is_bounded_too(
    context: Context, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "find_buildkit_cli", lambda: "")
    limited = taken(context, work, f"{BASE}RUN sleep 600\n", timeout=4)
    with pytest.raises(CheckFailedError, match="did not end within 4 seconds"):
        image.Builds().run(limited)


@pytest.mark.engine
def test_the_classic_builder_builds_what_serves(
    context: Context, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "find_buildkit_cli", lambda: "")
    text = f'{BASE}COPY server.py /\nCMD ["python3", "/server.py"]\n'
    ready = taken(context, work, text)
    assert container.Serves().run(ready).outcome is Outcome.PASS
    assert container.User().run(ready).outcome is Outcome.FAIL
    found = image.ImageContents().run(ready)
    assert found.outcome is Outcome.PASS
    assert "python:3.13-slim" in found.message


@pytest.mark.engine
def test_a_base_that_cannot_be_fetched_is_no_fail(context: Context, work: Path) -> None:
    ready = taken(context, work, "FROM registry.invalid/nobody/nothing:1\n")
    with pytest.raises(UnavailableError, match=r"registry\.invalid/nobody/nothing"):
        image.Builds().run(ready)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('["/no/such/program"]', "cannot be started"),
        ('["sh", "-c", "echo the-reason; exit 3"]', "exit code 3"),
        ('["sh", "-c", "b() { b | b & }; b; b"]', "nothing answers|ended by itself"),
        ('["python3", "-c", "x = bytes([1]) * 2_000_000_000"]', "ended by itself"),
        ('["sleep", "600"]', "nothing answers"),
        ('["yes"]', "nothing answers"),
    ],
)
def test_a_container_that_does_not_serve_fails(
    context: Context, work: Path, command: str, words: str
) -> None:
    ready = taken(context, work, f"{BASE}CMD {command}\n")
    with pytest.raises(CheckFailedError, match=words) as caught:
        container.Serves(start_within=20 if "ended" in words else 3).run(ready)
    assert caught.value.verdict.evidence is not None


@pytest.mark.engine
@pytest.mark.parametrize(
    ("lingers", "reference_lingers", "expected"),
    [(0, 9, "pass"), (3, 0, "fail"), (60, 0, "fail"), (3, 3, "unavailable")],
)
def test_a_late_end_is_a_fail_where_the_labs_own_answer_is_in_time(
    context: Context,
    work: Path,
    lingers: int,
    reference_lingers: int,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if expected == "unavailable":
        # The whole patience of it is tried below, where nothing has to be waited for.
        monkeypatch.setattr(container_stop, "_ROUNDS", 1)
    dockerfile = f'{BASE}COPY server.py /\nCMD ["python3", "/server.py"]\n'
    for folder, seconds in ((work, lingers), (context.run.reference(), reference_lingers)):
        (folder / "server.py").write_text(LINGERING.format(lingers=seconds))
        (folder / "Dockerfile").write_text(dockerfile)
    ready = taken(context, work, dockerfile)
    spec = CheckSpec(
        id="stops",
        kind="container.stops",
        check=container_stop.Stops(request=Request(path="/slow"), takes=1, within=2),
        timeout=60,
    )
    verdict = judge(spec, ready)
    assert verdict.outcome == expected, verdict


LATE, IN_TIME = None, 2.0
GOOD, BY_A_HAIR = 1.5, 0.2


@pytest.mark.parametrize(
    ("own", "controls", "expected"),
    [
        ([IN_TIME], [], "pass"),
        ([BY_A_HAIR], [], "pass"),
        ([LATE, LATE, LATE], [GOOD, GOOD], "fail"),
        ([LATE, LATE, IN_TIME], [GOOD, GOOD], "pass"),
        ([LATE, IN_TIME], [LATE], "pass"),
        ([LATE, LATE, IN_TIME], [BY_A_HAIR, GOOD], "pass"),
        ([LATE, LATE, LATE, LATE], [LATE, GOOD, GOOD], "fail"),
        ([LATE, LATE, LATE, LATE], [BY_A_HAIR, LATE, GOOD, GOOD], "fail"),
        ([LATE, LATE, BY_A_HAIR], [BY_A_HAIR, LATE, BY_A_HAIR], "pass"),
        ([LATE] * 4, [GOOD, *[BY_A_HAIR] * 4], "unavailable"),
        ([LATE] * 4, [BY_A_HAIR] * 6, "unavailable"),
        ([LATE] * 4, [LATE] * 6, "unavailable"),
    ],
)
def test_only_beside_an_answer_in_good_time_a_late_one_fails(
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
    own: list[float | None],
    controls: list[float | None],
    expected: str,
) -> None:
    """Each number is the seconds to spare of one that was stopped, in order; all are needed."""

    def next_of(spares: list[float | None]) -> Callable[..., object]:
        left = iter(spares)

        def stop(*_: object) -> object:
            spare = next(left)
            if spare is None:
                return container_stop.StopTimingError("late")
            return container_stop.SeenStop(1, "SIGTERM", 0, spare)

        return stop

    monkeypatch.setattr(container_stop, "build_reference_image", lambda *_: "")
    monkeypatch.setattr(container_stop.Stops, "_try", next_of(own))
    monkeypatch.setattr(container_stop.Stops, "_control", next_of(controls))
    check = container_stop.Stops(request=Request(path="/slow"))
    spec = CheckSpec(id="stops", kind="container.stops", check=check, timeout=60)
    verdict = judge(spec, context)
    assert verdict.outcome == expected, verdict
    assert verdict.cause == (Cause.MACHINE if expected == "unavailable" else None)


@pytest.mark.engine
def test_a_killed_run_is_swept(context: Context, work: Path) -> None:
    ready = taken(context, work, f"{BASE}CMD sleep 600\n")
    image.Builds().run(ready)
    connected = require_engine(context.run)
    assert leftovers(context.run.id)
    assert engine.sweep(lambda _: False, connected) == 0
    assert engine.sweep(lambda run_id: run_id == context.run.id, connected) >= 1
    assert leftovers(context.run.id) == []


def test_a_dockerfile_that_leads_outside_is_not_read(
    context: Context, work: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("FROM scratch\n")
    (work / "Dockerfile").symlink_to(outside)
    skipped = take_snapshot(work, context.run.snapshot)
    assert [item.path for item in skipped] == ["Dockerfile"]
    with pytest.raises(UnusableFileError):
        dockerfile.DockerfileLint().run(context)
    with pytest.raises(UnusableFileError):
        image.Builds().run(context)


@pytest.mark.parametrize(
    "content", [b"FROM a\n" * 8_000_000, b"\xff\xfeFROM a\n"], ids=["50 MB", "not UTF-8"]
)
def test_a_dockerfile_that_is_no_text_fails(context: Context, work: Path, content: bytes) -> None:
    (work / "Dockerfile").write_bytes(content)
    take_snapshot(work, context.run.snapshot)
    for kind in (dockerfile.DockerfileLint(), image.Builds()):
        with pytest.raises(UnusableFileError):
            kind.run(context)


def test_an_empty_dockerfile_is_not_clean(context: Context, work: Path) -> None:
    ready = taken(context, work, "# hadolint ignore=DL3006\n\n")
    with pytest.raises(CheckFailedError, match="no instruction"):
        dockerfile.DockerfileLint().run(ready)


def test_lint_names_rule_line_and_page_whatever_pragmas_say(context: Context, work: Path) -> None:
    (work / ".hadolint.yaml").write_text("ignored: [DL3025]\n")
    text = "FROM python:3.13-slim\n# hadolint ignore=DL3025\nCMD python -m http.server\n"
    verdict = dockerfile.DockerfileLint().run(taken(context, work, text))
    assert [(finding.rule, finding.line) for finding in verdict.findings] == [("DL3025", 3)]
    assert verdict.findings[0].url == "https://github.com/hadolint/hadolint/wiki/DL3025"
    assert dockerfile.DockerfileLint(ignore=("DL3025",)).run(context).outcome is Outcome.PASS


@pytest.mark.engine
def test_a_name_that_is_no_text_is_a_name_as_any_other(context: Context, work: Path) -> None:
    (work / "plant.py").write_text(
        "import os\n"
        "token = open('/copied').read()\n"
        "os.mkdir(b'/caf\\xe9')\n"
        "open(b'/caf\\xe9/menu.txt', 'w').write(token)\n"
        "os.symlink(b'/caf\\xe9', b'/link\\xff')\n"
    )
    text = f"{BASE}COPY .env /copied\nCOPY plant.py /\nRUN python3 /plant.py\n"
    ready = taken(context, work, text)
    found = image.Secrets().run(ready)
    assert found.outcome is Outcome.FAIL
    places = [finding.message for finding in found.findings]
    assert any("/caf\\xe9/menu.txt (layer" in place for place in places), places
    too_large = image.ImageContents(megabytes=0, megabytes_in_all=0).run(ready)
    assert "\\xe9" in "".join(finding.message for finding in too_large.findings)
    msgspec.json.encode(too_large.findings)


def test_the_engines_own_builder_builds_whatever_builder_was_chosen(
    context: Context, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "docker"
    command.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\nexit 1\n')
    command.chmod(0o755)
    monkeypatch.setenv("BUILDX_BUILDER", "a-container")
    monkeypatch.setenv("DOCKER_HOST", "unix:///chosen/socket")
    job = BuildJob(engine.Engine(None), work, "run", 20, context.run.cancel, "Dockerfile", "")
    building._with_buildkit(str(command), job)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert "BUILDX_BUILDER=default" in seen
    # Without it `default` is the builder of the docker context that is in use.
    assert "DOCKER_HOST=unix:///chosen/socket" in seen


@pytest.mark.engine
def test_a_shared_build_may_take_what_the_most_patient_check_allows(
    context: Context, work: Path
) -> None:
    impatient = taken(context, work, f"{BASE}RUN echo {context.run.id}; sleep 1.5\n", timeout=1)
    patient = CheckSpec(id="builds", kind="image.builds", check=image.Builds(), timeout=60)
    run = dataclasses.replace(impatient.run, checks=(patient,))
    first = dataclasses.replace(impatient, run=run)
    assert image.Builds().run(first).outcome is Outcome.PASS
