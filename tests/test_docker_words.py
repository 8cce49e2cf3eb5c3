"""What is known of images without an engine: whose fault a build's end is, canaries, answers."""

from __future__ import annotations

import base64
import gzip
import io
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.docker import hadolint
from scaffolder.checks.docker.canaries import Canaries, plant_canaries
from scaffolder.checks.docker.lookalikes import SECRET
from scaffolder.checks.http import Answer, Request
from scaffolder.core.errors import UnavailableError
from scaffolder.tools import engine
from scaffolder.tools.dockerfile import find_line, parse_instructions
from scaffolder.tools.dockerfile_asks import list_instructions
from scaffolder.tools.engine import connection
from scaffolder.tools.engine.buildlog import (
    find_failed_line,
    find_failed_step,
    find_reason,
    list_bases,
    list_run_stages,
    list_telling_lines,
)
from scaffolder.tools.engine.diagnosis import FailureCause, diagnose_build
from scaffolder.tools.processes import CancelToken

CANARIES = Canaries()


@pytest.mark.parametrize(
    ("cause", "log"),
    [
        (
            FailureCause.IMAGE_UNREACHABLE,
            [
                "#3 [internal] load metadata for docker.io/library/python:3.13-slim",
                "#3 ERROR: failed to do request: Head https://registry-1.docker.io/v2/library: "
                "dial tcp: lookup registry-1.docker.io: no such host",
            ],
        ),
        (
            FailureCause.UNKNOWN_IMAGE,
            ["ERROR: failed to solve: pyhton:3: pull access denied, repository does not exist"],
        ),
        (
            FailureCause.NETWORK,
            [
                "#7 [3/4] RUN pip install flask",
                "#7 1.2 WARNING: Retrying after NewConnectionError: "
                "[Errno -3] Temporary failure in name resolution",
                "#7 9.9 ERROR: No matching distribution found for flask",
                "#7 ERROR: process did not complete successfully: exit code: 1",
            ],
        ),
        (
            FailureCause.LEARNER,
            [
                "#7 [3/4] RUN pip install flaks",
                "#7 9.9 ERROR: No matching distribution found for flaks",
                "#7 ERROR: process did not complete successfully: exit code: 1",
            ],
        ),
        (FailureCause.LEARNER, ['failed to compute cache key: "/nope.txt" not found: not found']),
        (
            FailureCause.LEARNER,
            [
                "#7 [3/4] RUN echo connection refused; exit 1",
                "#7 0.9 connection refused",
                "#7 ERROR: process did not complete successfully: exit code: 1",
            ],
        ),
        (
            FailureCause.NETWORK,
            [
                "#7 [3/4] RUN ./prepare.sh",
                "#7 0.9 curl: (6) Could not resolve host: example.org",
                "#7 ERROR: process did not complete successfully: exit code: 6",
            ],
        ),
        (
            FailureCause.NETWORK,
            [
                "Step 2/2 : RUN pip install flask",
                " ---> Running in 0123456789ab",
                "WARNING: Retrying (Retry(total=0)) after NewConnectionError",
                "ERROR: The command '/bin/sh -c pip install flask' returned a non-zero code: 1",
            ],
        ),
        (
            FailureCause.BUILDER_TOO_OLD,
            ["failed to solve: dockerfile parse error line 15: Unknown flag: link"],
        ),
        (
            FailureCause.LEARNER,
            ["failed to solve: dockerfile parse error line 15: Unknown flag: lnik"],
        ),
        (
            FailureCause.NEEDS_BUILDKIT,
            ["ERROR: the --mount option requires BuildKit. Refer to ..."],
        ),
        (FailureCause.ENGINE_GONE, ["error reading from server: EOF"]),
        (FailureCause.LEARNER, []),
    ],
)
def test_a_failed_build_is_blamed_on_who_did_it(cause: FailureCause, log: list[str]) -> None:
    assert diagnose_build(log).cause is cause


def test_an_image_that_cannot_be_fetched_is_named() -> None:
    log = [
        "#3 [internal] load metadata for docker.io/library/python:3.13-slim",
        "#3 ERROR: failed to do request: dial tcp: i/o timeout",
    ]
    assert diagnose_build(log).subject == "python:3.13-slim"


def test_the_step_that_failed_is_named_with_what_it_printed() -> None:
    step = find_failed_step(
        ["#7 [3/4] RUN make", "#6 0.1 other", "#7 0.3 no rule", "#7 ERROR: exit code: 2", "---"]
    )
    assert step is not None
    assert step.instruction == "RUN make"
    assert step.output == ("no rule",)


FAILED_BUILD = (
    "#1 [internal] load build definition from Dockerfile",
    "#1 sha256:0413e12b84cd8db232d289d28c3d713fda8ae7f1e1c02149e0f7daa53cd7d779",
    "#1 transferring dockerfile: 97B 0.0s done",
    "#1 DONE 0.4s",
    "#5 [one 2/2] RUN echo hello &&    echo there",
    "#5 2.791 hello",
    "#5 DONE 3.1s",
    "#6 [stage-1 1/1] RUN echo a;  exit 3",
    "#6 sha256:02707b602339093a2c1dab9b8168743a34b8b821af1d710444ef2504a3cfdf72",
    "#6 3.092 a",
    "#6 ERROR: executor failed running [/bin/sh -c echo a;  exit 3]: exit code: 3",
    "------",
    " > [stage-1 1/1] RUN echo a;  exit 3:",
    "------",
    "executor failed running [/bin/sh -c echo a;  exit 3]: exit code: 3",
)
DOCKERFILE = (
    "# why\nFROM x AS one\n\nRUN echo hello && \\\n  echo there\n"
    "FROM one\nRUN echo a; \\\n exit 3\n"
)


def test_the_evidence_of_a_failed_build_is_what_the_failed_step_said() -> None:
    assert list_telling_lines(FAILED_BUILD) == ("a",)
    assert find_reason(FAILED_BUILD) == "the step 'RUN echo a;  exit 3' failed: a"
    assert find_failed_line(FAILED_BUILD, DOCKERFILE) == 7


def test_the_evidence_of_a_stopped_build_is_without_the_builders_errands() -> None:
    said = list_telling_lines(FAILED_BUILD[:7])
    assert said == ("#5 [one 2/2] RUN echo hello &&    echo there", "hello")


@pytest.mark.parametrize(
    "said",
    [
        "failed to solve with frontend dockerfile.v0: failed to create LLB definition:"
        " dockerfile parse error line 7: unknown instruction: RUM",
        "ERROR: dockerfile parse error on line 7: unknown instruction: RUM",
        "Dockerfile:7",
    ],
)
def test_a_line_that_the_builder_names_is_taken(said: str) -> None:
    assert find_failed_line([said], DOCKERFILE) == 7


def test_an_instruction_that_stands_twice_has_no_line() -> None:
    assert find_line("FROM x\nRUN a\nFROM y\nRUN a\n", "RUN a") is None


def test_instructions_end_where_the_builder_ends_them() -> None:
    text = (
        "# escape=`\nFROM x\nRUN a `\n  # between\n\n  b\n"
        'RUN <<-EOF python3\nFROM nowhere\n\tEOF\nCOPY <<A <<"B" /\n1\nA\n2\nB\nRUN cat <<< word\n'
    )
    found = [(one.line, one.last_line, one.keyword) for one in parse_instructions(text)]
    assert found == [
        (2, 2, "FROM"),
        (3, 6, "RUN"),
        (7, 9, "RUN"),
        (10, 14, "COPY"),
        (15, 15, "RUN"),
    ]
    assert [one.here_document for one in parse_instructions(text)] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_what_stands_in_two_lines_is_read_as_a_builder_joins_it() -> None:
    text = "FRO\\\nM a\\  \n# between\n\nb \\\r\n  AS c\r\nRUN x \\\x0b\nRUN y\n"
    found = [(one.line, one.last_line, one.text) for one in parse_instructions(text)]
    assert found == [(1, 6, "FROM ab   AS c"), (7, 7, "RUN x \\"), (8, 8, "RUN y")]


@pytest.mark.parametrize(
    "text",
    [
        f"RUN true {'<<a ' * 40_000}\n{'#' * 3}\n" + "b\n" * 190_000,
        "RUN \\\n" * 150_000,
        "RUN a \\\\\n # `\n" * 60_000 + "<<`\n",
    ],
    ids=["here-documents", "lines that go on", "ways to read them"],
)
def test_a_long_dockerfile_is_read_in_bounded_time(text: str) -> None:
    before = time.process_time()
    assert list(list_instructions(text))
    assert time.process_time() - before < 20


@given(st.text('FRUNO<\n \\#`EA"', max_size=80))
def test_any_text_has_instructions_in_order(text: str) -> None:
    lines = [number for one in parse_instructions(text) for number in (one.line, one.last_line)]
    assert lines == sorted(lines)
    assert all(0 < number <= len(text.splitlines()) for number in lines)


def test_stages_that_ran_are_those_not_taken_from_the_cache() -> None:
    log = (
        "#4 [build 2/3] RUN pip install flask",
        "#4 CACHED",
        "#5 [build 3/3] RUN make",
        "#6 [stage-1 2/2] COPY --from=build /x /x",
        "#7 [tools 2/2] RUN true",
        "#7 CACHED",
    )
    assert list_run_stages(log) == ("build",)
    classic = (
        "Step 1/4 : FROM x AS build",
        "Step 2/4 : RUN a",
        " ---> Using cache",
        "Step 3/4 : FROM y",
        "Step 4/4 : RUN b",
        " ---> Running in 0123456789ab",
    )
    assert list_run_stages(classic) == ("stage-1",)


def linted(text: str, place: Path) -> list[tuple[str, int]]:
    found = hadolint.lint(text, place=place, env={"PATH": "/usr/bin:/bin"}, cancel=CancelToken())
    return [(violation.rule, violation.line) for violation in found]


def test_a_health_check_may_be_a_command_line(tmp_path: Path) -> None:
    text = "FROM x:1\nUSER 1\nHEALTHCHECK --interval=5s \\\n  CMD a || exit 1\nCMD b\n"
    assert linted(text, tmp_path) == [("DL3025", 5)]


def test_what_follows_a_here_document_is_no_part_of_it(tmp_path: Path) -> None:
    text = 'FROM x:1\nRUN <<"EOF"\nset -e\nEOF\nUSER 1\nCMD b\n'
    assert linted(text, tmp_path) == [("DL3025", 6)]


def test_bases_are_what_the_builder_looked_up() -> None:
    assert list_bases(["#3 [internal] load metadata for docker.io/library/debian:12"]) == (
        "docker.io/library/debian:12",
    )
    assert list_bases(["Step 1/3 : FROM --platform=linux/amd64 debian:12 AS x"]) == ("debian:12",)


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
    assert CANARIES.in_file(iter([base64.encodebytes(gzip.compress(text))])) == {SECRET}
    assert CANARIES.in_file(iter([base64.encodebytes(b"x" * 51 + text)])) == {SECRET}
    assert CANARIES.in_file(iter([text.hex().encode()])) == {SECRET}
    assert CANARIES.in_file(iter([b"\x1f\x8bno gzip at all"])) == set()


def test_planting_leaves_the_learners_files_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEBUG=1")
    (tmp_path / "tests").symlink_to("/")
    (tmp_path / "app").write_text("a file, not a folder")
    canaries = plant_canaries(tmp_path)
    assert (tmp_path / ".env").read_text().startswith("DEBUG=1\n")
    assert canaries.token(SECRET) in (tmp_path / ".env").read_text()
    assert (tmp_path / "app").read_text() == "a file, not a folder"
    assert not Path("/planted.txt").exists()


def test_pragmas_are_emptied_and_lines_stay_where_they_are() -> None:
    text = "# hadolint global ignore=DL3006\nFROM a\n  #hadolint shell=powershell\nRUN b # hadolint"
    assert hadolint.blank_pragmas(text) == "#\nFROM a\n  #\nRUN b # hadolint"


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
    request = Request(path="/{token}", body={"n": ["{token}"]}, contains={"n": 3, "{token}": 1})
    filled = request.filled({"token": "x"})
    assert (filled.path, filled.body, filled.contains) == ("/x", {"n": ["x"]}, {"n": 3, "x": 1})


@pytest.mark.parametrize("value", ["\u00fc", "\ud800", "a b/\n?", "x" * 100_000, {"a": [None]}])
def test_what_a_service_names_can_be_asked_for(value: object) -> None:
    request = Request(path="/items/{item}").filled({"item": value})
    assert request.path.isascii()
    assert request.path.count("/") == 2
    assert len(str(request)) < 400


def test_what_an_answer_is_kept_for_is_filled_in_as_it_is() -> None:
    values = Answer(201, b'{"id": 7, "name": "tea"}').kept(Request(keep={"item": "id"}))
    filled = Request(path="/{item}", contains={"id": "{item}", "n": "no {item}"}).filled(values)
    assert (filled.path, filled.contains) == ("/7", {"id": 7, "n": "no 7"})
    with pytest.raises(KeyError):
        Answer(201, b"[]").kept(Request(keep={"item": "id"}))


def test_without_an_engine_the_mending_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(UnavailableError) as caught:
        engine.connect()
    assert caught.value.hint


def test_cleaning_without_an_engine_is_silent_and_imports_nothing_slow() -> None:
    code = (
        "import sys\n"
        "from scaffolder.tools import engine\n"
        "assert engine.sweep(lambda run: True) == 0 and engine.remove_run('x') == 0\n"
        "assert 'docker' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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
    named = f"no Docker Engine answers at unix://{socket}, chosen by DOCKER_HOST"
    with pytest.raises(UnavailableError, match=re.escape(named)):
        engine.connect()
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setattr(connection, "find_endpoint", lambda: f"unix://{socket}")
    with pytest.raises(UnavailableError, match="does not run"):
        engine.connect()
    program.unlink()
    with pytest.raises(UnavailableError, match="not installed"):
        engine.connect()


def test_a_docker_context_that_is_gone_is_left_the_way_it_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"currentContext": "old"}')
    assert "context old is gone (docker context use default)" in connection.explain_choice()
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert "context other is gone (unset DOCKER_CONTEXT)" in connection.explain_choice()


def test_the_engine_is_not_imported_with_the_registry() -> None:
    began = time.monotonic()
    code = "import sys, scaffolder.checks; assert 'docker' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert time.monotonic() - began < 20
