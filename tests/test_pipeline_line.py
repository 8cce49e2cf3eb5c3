"""What steps can say to whoever watches a rehearsal, and what of it is believed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from scaffolder.checks.github.rehearsal_line import open_line
from scaffolder.checks.pipeline import line as line_module
from scaffolder.checks.pipeline import peers
from scaffolder.checks.pipeline.line import Line
from scaffolder.checks.pipeline.pythons import Interpreters
from scaffolder.checks.planting import listening
from scaffolder.checks.planting.quiz import Quiz

pytestmark = pytest.mark.skipif(not peers.NAMED, reason="the kernel names no peer here")

QUIZ = Quiz(3, 1, 1000)
OURS = Path(sys.executable).resolve()
# A planted test, and one whose process ends before it is asked.
TEST = """\
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.sendall(b'{"what": "test", "python": [3, 99], "job": "test"}\\n')
line.sendall(b"%d\\n" % ((int(line.recv(64)) * 3 + 1) % 1000))
line.recv(1)
"""
CONNECTS = "line.connect(sys.argv[1])\n"
GONE = TEST.replace(
    CONNECTS, f"import os\nif not os.fork():\n    {CONNECTS}    os._exit(0)\nos.wait()\n"
)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    (tmp_path / "store").mkdir()
    known = Interpreters([(sys.version_info.minor, OURS)])
    with open_line(tmp_path, tmp_path / "store", QUIZ, known) as opened:
        yield opened


def say(line: Line, *messages: bytes) -> list[bytes]:
    answers = []
    for message in messages:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(line.address))
            try:
                connection.sendall(message + b"\n")
                answers.append(connection.recv(1000))
            except (BrokenPipeError, ConnectionResetError):
                answers.append(b"")
    return answers


def run(line: Line, argv: Sequence[str | Path], program: str = TEST, **env: str) -> None:
    subprocess.run([*argv, "-c", program, line.address], env=env, check=False, timeout=20)


def copied(folder: Path) -> Path:
    """A copy of our Python that runs where it lies."""
    place = folder / "copy/bin/python"
    place.parent.mkdir(parents=True)
    shutil.copy(OURS, place)
    (folder / "copy/pyvenv.cfg").write_text(f"home = {OURS.parent}\n")
    return place


def linked(folder: Path) -> Path:
    (folder / "python").symlink_to(OURS)
    return folder / "python"


@pytest.mark.parametrize("make", [lambda _: OURS, linked, copied])
def test_a_known_python_is_known_wherever_it_lies(
    line: Line, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    run(line, [make(tmp_path)], GITHUB_JOB="test", OTHER="x" * 5000)

    assert [(one.version, one.environment) for one in line.ran] == [
        ((3, sys.version_info.minor), {"GITHUB_JOB": "test"})
    ]


def test_what_a_process_runs_is_never_run(line: Line, tmp_path: Path) -> None:
    """A changed Python, which tells every start of it."""
    fake = copied(tmp_path)
    with fake.open("ab") as file:
        file.write(b"\0")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = tmp_path / "copy/lib" / version / "site-packages"
    packages.mkdir(parents=True)
    told = tmp_path / "starts"
    (packages / "sitecustomize.py").write_text(f"open({str(told)!r}, 'a').write('once\\n')\n")

    run(line, [fake])

    assert [one.version for one in line.ran] == [None]
    assert told.read_text() == "once\n"


def test_whoever_is_gone_when_it_is_looked_at_shows_nothing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = peers.identify_peer
    seen: list[object] = []

    def late(connection: socket.socket, variables: frozenset[str]) -> peers.Peer | None:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = int.from_bytes(credentials[:4], sys.byteorder)
        while Path(f"/proc/{pid}").exists():
            os.sched_yield()
        seen.append(real(connection, variables))
        return real(connection, variables)

    monkeypatch.setattr(line_module, "identify_peer", late)

    run(line, [OURS], GONE)

    assert seen == [None]
    assert line.ran == []


ASKED = json.dumps({"what": "python", "place": "3.99", "minor": 99}).encode()
PLAYED = json.dumps({"what": "python", "place": "/x/python-3.9-12", "minor": 9}).encode()


def test_only_what_a_runner_has_is_asked_for(line: Line) -> None:
    elsewhere = PLAYED.replace(b"python-3.9-12", b"zz")
    assert say(line, ASKED, elsewhere, PLAYED) == [b"{}\n"] * 3
    assert line.requested == {"/x/python-3.9-12": 9}


@pytest.mark.skipif(shutil.which("bash") is None, reason="another program is needed")
def test_only_our_own_programs_are_believed(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers.sys, "executable", "/bin/sh")
    upload = {"what": "upload", "name": "dist", "files": [], "overwrite": False, "job": "test"}
    lacking = {"what": "lacking", "name": "the program x", "job": "test", "step": "0"}
    unreachable = {"what": "unreachable", "job": "test", "step": "0"}

    say(line, PLAYED, *(json.dumps(each).encode() for each in (upload, lacking, unreachable)))

    assert not line.requested
    assert not line.artifacts
    assert not line.lacking
    assert not line.unreachable


@pytest.mark.parametrize(
    "message",
    [
        b'{"what": "python", "place": "3.9", "minor": Infinity}',
        b'{"what": "python", "place": "3.9", "minor": NaN}',
        b'{"what": "python", "place": "3.9", "minor": 1e999}',
        b'{"what": "python", "place": "3.9", "minor": ' + b"9" * 10_000 + b"}",
        b'{"what": "upload", "name": "x", "files": [{"path": "x", "size": Infinity}]}',
        b'{"what": "upload", "name": "x", "files": [{"path": "x", "size": -1}]}',
        b'{"what": "download", "pattern": [], "exact": 3}',
        b'{"what": "lacking", "name": {"a": 1}}',
        b'{"what": ' + b"[" * 60_000,
        b'{"what": ["test"]}',
        b"[]",
        b"\xff\xfe",
        b"",
    ],
)
def test_nothing_that_is_said_raises(
    line: Line, message: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(listening.threading, "excepthook", raised.append)

    answers = say(line, message, PLAYED)

    assert answers == [b"", b"{}\n"]
    assert raised == []


def test_long_words_are_not_kept(line: Line) -> None:
    long = "x" * 50_000
    named = {"what": "lacking", "name": long, "job": "test", "step": "0"}
    placed = {"what": "unreachable", "job": long, "step": "0"}
    header = {"what": "lacking", "name": long * 2, "job": "test", "step": "0"}

    say(line, *(json.dumps(each).encode() for each in (named, placed, header)))

    assert line.lacking == {("test", "0", "x" * 200)}
    assert not line.unreachable
    assert not line.too_much


def test_all_that_is_said_has_a_bound(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEADERS", 2**20)
    files = [{"path": f"{number}" * 100, "size": 0} for number in range(900)]
    upload = json.dumps({"what": "upload", "name": "x", "files": files, "overwrite": True}).encode()

    say(line, *[upload] * 12)

    assert line.too_much == "more than 1 MB of messages"
