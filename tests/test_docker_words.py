"""What is known of images without an engine: whose fault a build's end is, canaries, answers."""

from __future__ import annotations

import base64
import gzip
import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks._canaries import SECRET, Canaries, plant
from scaffolder.checks._http import Answer, Request
from scaffolder.errors import UnavailableError
from scaffolder.tools import engine, hadolint
from scaffolder.tools.engine.diagnosis import Cause, bases, diagnose, failed_step

CANARIES = Canaries("dv0123456789abcdef0123456789abx")


@pytest.mark.parametrize(
    ("cause", "log"),
    [
        (
            Cause.IMAGE_UNREACHABLE,
            [
                "#3 [internal] load metadata for docker.io/library/python:3.13-slim",
                "#3 ERROR: failed to do request: Head https://registry-1.docker.io/v2/library: "
                "dial tcp: lookup registry-1.docker.io: no such host",
            ],
        ),
        (
            Cause.UNKNOWN_IMAGE,
            ["ERROR: failed to solve: pyhton:3: pull access denied, repository does not exist"],
        ),
        (
            Cause.NETWORK,
            [
                "#7 [3/4] RUN pip install flask",
                "#7 1.2 WARNING: Retrying after NewConnectionError: "
                "[Errno -3] Temporary failure in name resolution",
                "#7 9.9 ERROR: No matching distribution found for flask",
                "#7 ERROR: process did not complete successfully: exit code: 1",
            ],
        ),
        (
            Cause.LEARNER,
            [
                "#7 [3/4] RUN pip install flaks",
                "#7 9.9 ERROR: No matching distribution found for flaks",
                "#7 ERROR: process did not complete successfully: exit code: 1",
            ],
        ),
        (Cause.LEARNER, ['failed to compute cache key: "/nope.txt" not found: not found']),
        (Cause.NEEDS_BUILDKIT, ["ERROR: the --mount option requires BuildKit. Refer to ..."]),
        (Cause.ENGINE_GONE, ["error reading from server: EOF"]),
        (Cause.LEARNER, []),
    ],
)
def test_a_failed_build_is_blamed_on_who_did_it(cause: Cause, log: list[str]) -> None:
    assert diagnose(log).cause is cause


def test_an_image_that_cannot_be_fetched_is_named() -> None:
    log = [
        "#3 [internal] load metadata for docker.io/library/python:3.13-slim",
        "#3 ERROR: failed to do request: dial tcp: i/o timeout",
    ]
    assert diagnose(log).subject == "python:3.13-slim"


def test_the_step_that_failed_is_named_with_what_it_printed() -> None:
    step = failed_step(
        ["#7 [3/4] RUN make", "#6 0.1 other", "#7 0.3 no rule", "#7 ERROR: exit code: 2", "---"]
    )
    assert step is not None
    assert step.instruction == "RUN make"
    assert step.output == ("no rule",)


def test_bases_are_what_the_builder_looked_up() -> None:
    assert bases(["#3 [internal] load metadata for docker.io/library/debian:12"]) == (
        "docker.io/library/debian:12",
    )
    assert bases(["Step 1/3 : FROM --platform=linux/amd64 debian:12 AS x"]) == ("debian:12",)


@given(before=st.binary(max_size=300), cut=st.integers(0, 400))
def test_a_canary_is_found_wherever_it_lies(before: bytes, cut: int) -> None:
    data = before + CANARIES.token("tests").encode() + b"after"
    assert "tests" in CANARIES.in_file(iter([data[:cut], data[cut:]]))


@given(st.binary(max_size=2000))
def test_other_files_give_nothing_away(data: bytes) -> None:
    assert CANARIES.in_file(iter([data])) == set()


@given(st.binary(max_size=50))
def test_a_secret_in_base64_is_found_at_every_offset(before: bytes) -> None:
    data = base64.b64encode(before + CANARIES.token(SECRET).encode() + b"\n")
    assert CANARIES.in_file(iter([data])) == {SECRET}


def test_a_packed_secret_is_found() -> None:
    text = CANARIES.token(SECRET).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("settings", text)
    assert CANARIES.in_file(iter([gzip.compress(text)])) == {SECRET}
    assert CANARIES.in_file(iter([archive.getvalue()])) == {SECRET}
    assert CANARIES.in_file(iter([b"\x1f\x8bno gzip at all"])) == set()


def test_planting_leaves_the_learners_files_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEBUG=1")
    (tmp_path / "tests").symlink_to("/")
    (tmp_path / "app").write_text("a file, not a folder")
    canaries = plant(tmp_path)
    assert (tmp_path / ".env").read_text().startswith("DEBUG=1\n")
    assert canaries.token(SECRET) in (tmp_path / ".env").read_text()
    assert (tmp_path / "app").read_text() == "a file, not a folder"
    assert not Path("/planted.txt").exists()


def test_pragmas_are_emptied_and_lines_stay_where_they_are() -> None:
    text = "# hadolint global ignore=DL3006\nFROM a\n  #hadolint shell=powershell\nRUN b # hadolint"
    assert hadolint.without_pragmas(text) == "#\nFROM a\n  #\nRUN b # hadolint"


@pytest.mark.parametrize(
    ("contains", "body", "fits"),
    [
        ({"a": 1}, b'{"a": 1, "b": 2}', True),
        ({"a": 1}, b'{"a": true}', False),
        ({"items": [{"name": "x"}]}, b'{"items": [{"name": "y"}, {"name": "x", "id": 1}]}', True),
        ({"items": [{"name": "x"}]}, b'{"items": []}', False),
        ({}, b"<html>", False),
        (None, b"\xff\xfe", True),
    ],
)
def test_an_answer_is_compared_by_what_it_must_hold(
    contains: object, body: bytes, fits: bool
) -> None:
    assert (not Answer(200, body).differs(Request(contains=contains))) is fits


def test_a_token_is_filled_in_everywhere() -> None:
    request = Request(path="/{token}", body={"n": ["{token}"]}, contains={"n": 3})
    filled = request.with_token("x")
    assert (filled.path, filled.body, filled.contains) == ("/x", {"n": ["x"]}, {"n": 3})


def test_without_an_engine_the_mending_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(UnavailableError) as caught:
        engine.connect()
    assert caught.value.hint


def test_cleaning_without_an_engine_is_silent_quick_and_imports_nothing() -> None:
    code = (
        "import sys, time\n"
        "from scaffolder.tools import engine\n"
        "began = time.monotonic()\n"
        "assert engine.sweep(lambda run: True) == 0 and engine.remove_run('x') == 0\n"
        "print(time.monotonic() - began)\n"
        "assert 'docker' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.05


def test_an_engine_that_does_not_listen_is_told_from_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="does not run"):
        engine.connect()
    program.unlink()
    with pytest.raises(UnavailableError, match="not installed"):
        engine.connect()


def test_the_engine_is_not_imported_with_the_registry() -> None:
    began = time.monotonic()
    code = "import sys, scaffolder.checks; assert 'docker' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert time.monotonic() - began < 20
