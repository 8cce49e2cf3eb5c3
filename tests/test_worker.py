"""Grading that is sent away: to processes that answer with messages, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scaffolder.core import paths
from scaffolder.core.errors import ExitCode, InterruptedRunError
from scaffolder.grading import workers
from scaffolder.grading.lifecycle import sweep
from scaffolder.grading.requests import grade_request
from scaffolder.grading.workers import grade_requests
from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.model import Outcome, Report
from scaffolder.model.events import CheckStarted
from scaffolder.model.requests import GradeAnswer, GradeEvent, GradeRequest, GradeResult
from scaffolder.sandbox import Command, OwnWork
from scaffolder.tools.processes import CancelToken, Completed, Ending
from tests.support.engine import leftovers
from tests.support.labs import HEAD

WORKER = [sys.executable, "-P", "-m", "scaffolder.grading.worker"]

CHEAP = """\
tasks:
  - id: workflow
    title: A workflow that GitHub accepts
    points: 10
    checks:
      - {id: workflow-valid, kind: workflow.valid}
      - {id: workflow-starts, kind: workflow.triggers}
  - id: dockerfile
    title: A Dockerfile that hadolint likes
    points: 10
    checks:
      - {id: dockerfile-is-clean, kind: dockerfile.lint}
  - id: format
    title: A configuration that is formatted
    points: 10
    needs: [dockerfile]
    checks:
      - {id: formatted, kind: terraform.formatted, directory: infra}
"""
SLOW = """\
tasks:
  - id: slow
    title: Something that takes its time
    points: 10
    checks:
      - {id: sleeps, kind: pytest, file: tests/test_slow.py}
"""
SLEEPS = """\
def test_slow(run):
    run(["sleep", "60"], check=True)
"""
WORKFLOW = """\
name: ci
on:
  push:
  pull_request:
jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - run: "true"
"""
RIGHT = {
    ".github/workflows/ci.yml": WORKFLOW,
    "Dockerfile": "FROM python:3.13-slim\nUSER 1000\n",
    "infra/main.tf": 'output "a" {\n  value = 1\n}\n',
}
WRONG = {
    ".github/workflows/ci.yml": ("name: ci\non: [push]\njobs: {}\n", "on: [pull\n"),
    "Dockerfile": ("FROM python\nRUN cd /tmp\n", "nothing\n"),
    "infra/main.tf": ('output "a" {\nvalue=1\n}\n', "output {{{\n"),
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a test, and the workers that it starts, a temporary space of their own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def write_lab(folder: Path, name: str, tasks: str) -> Path:
    """Write a lab that workers can read too: by its folder, with a template beside it."""
    template = folder / "templates" / "tiny"
    rendered = template / "{{cookiecutter.name}}"
    if not template.exists():
        rendered.mkdir(parents=True)
        (template / "cookiecutter.json").write_text('{"name": "tiny-service"}')
        (rendered / "README").write_text("{{cookiecutter.name}}\n")
    lab = folder / "labs" / name
    for part in ("start", "solution", "tests"):
        (lab / part).mkdir(parents=True)
    (lab / "lab.yaml").write_text(HEAD + tasks)
    (lab / "instructions.md").write_text("# Do it\n\n<!-- devlab:tasks -->\n")
    (lab / "mistakes.yaml").write_text("mistakes: []\n")
    (lab / "tests" / "test_slow.py").write_text(SLEEPS)
    return lab


def make_work(lab: Path, folder: Path, files: dict[str, str] | None = None) -> GradeRequest:
    """Make a workspace with these files, and return the request to grade it."""
    build_state(catalog.load_lab(str(lab)), "start", {}, folder)
    for name, text in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return GradeRequest(id=folder.name, workspace=str(folder), lab=str(lab))


@pytest.fixture
def cheap(tmp_path: Path) -> Callable[..., GradeRequest]:
    lab = write_lab(tmp_path / "pack", "cheap", CHEAP)

    def make(name: str, files: dict[str, str] | None = None) -> GradeRequest:
        return make_work(lab, tmp_path / "works" / name, RIGHT if files is None else files)

    return make


@pytest.fixture
def slow(tmp_path: Path) -> GradeRequest:
    """Return the request to grade what takes a minute, telling what happens."""
    lab = write_lab(tmp_path / "pack", "slow", SLOW)
    request = make_work(lab, tmp_path / "works" / "slow")
    return msgspec.structs.replace(request, events=True)


def answers() -> list[dict[str, str]]:
    """Return twenty different works: right, wrong in one way or another, and empty."""
    works = [RIGHT, {}]
    for name, wrong in WRONG.items():
        works += [{**RIGHT, name: text} for text in wrong]
        works += [{other: text for other, text in RIGHT.items() if other != name}]
    for first in WRONG[".github/workflows/ci.yml"]:
        works += [
            {".github/workflows/ci.yml": first, "Dockerfile": second, "infra/main.tf": third}
            for second in WRONG["Dockerfile"]
            for third in WRONG["infra/main.tf"]
        ]
    works.append({**RIGHT, "Dockerfile": "FROM debian:12\nRUN apt-get install curl\n"})
    return works


def timeless(report: Report | None) -> Report:
    """Return a report without the times that it tells."""
    assert report is not None
    replace = msgspec.structs.replace
    tasks = tuple(
        replace(task, checks=tuple(replace(check, seconds=0.0) for check in task.checks))
        for task in report.tasks
    )
    return replace(report, tasks=tasks, seconds=0.0)


def left_folders(temporary: Path) -> list[Path]:
    return [path for path in temporary.glob("devlab-*/*") if path.name != paths.SLOTS]


def processes_of(temporary: Path) -> list[int]:
    """Return the processes, but ours, that know this temporary space."""
    needle, found = os.fsencode(str(temporary)), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if needle in told and state != "Z" and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def workers_of(temporary: Path) -> list[int]:
    return [
        pid
        for pid in processes_of(temporary)
        if b"scaffolder.grading.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def eventually(met: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not met() and time.monotonic() < deadline:
        time.sleep(0.05)
    return met()


def test_reports_of_workers_are_those_of_one_process(cheap: Callable[..., GradeRequest]) -> None:
    works = answers()
    assert len(works) == 20
    requests = [cheap(f"work-{number}", files) for number, files in enumerate(works)]
    told: list[GradeAnswer] = []
    results = grade_requests(requests, workers=4, listen=told.append)
    serial = [grade_request(request) for request in requests]
    assert [one.id for one in results] == [one.id for one in requests]
    assert sorted(results, key=str) == sorted(told, key=str)
    for here, there in zip(serial, results, strict=True):
        assert timeless(there.report) == timeless(here.report)
    assert len({str(timeless(one.report).tasks) for one in serial}) > 10
    assert timeless(serial[1].report).outcome is Outcome.FAIL


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_a_killed_worker_costs_its_request_and_nothing_else(
    cheap: Callable[..., GradeRequest], slow: GradeRequest, temporary: Path
) -> None:
    def kill(answer: GradeAnswer) -> None:
        if isinstance(answer, GradeEvent) and isinstance(answer.event, CheckStarted):
            assert left_folders(temporary)
            [pid] = workers_of(temporary)
            os.kill(pid, signal.SIGKILL)

    died, graded = grade_requests([slow, cheap("next")], workers=1, listen=kill)
    assert died.report is None
    assert died.failure is not None
    assert "was killed by SIGKILL" in died.failure.message
    assert died.failure.exit_code == ExitCode.UNGRADED
    assert graded.report is not None
    assert eventually(lambda: not processes_of(temporary))
    sweep()
    assert not left_folders(temporary)


def test_a_worker_that_cannot_begin_says_why(
    cheap: Callable[..., GradeRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = 'print(\'{"type": "res\', end="", flush=True); raise SystemExit("no luck today")'
    monkeypatch.setattr(workers, "_WORKER", (sys.executable, "-c", program))
    results = grade_requests([cheap("one"), cheap("two")], workers=1)
    for result in results:
        assert result.failure is not None
        assert "ended with 1: no luck today" in result.failure.message


def test_a_listener_that_fails_ends_all_workers(
    cheap: Callable[..., GradeRequest], temporary: Path
) -> None:
    def fail(_: GradeAnswer) -> None:
        raise BrokenPipeError("nobody listens")

    with pytest.raises(BrokenPipeError, match="nobody listens"):
        grade_requests([cheap("one"), cheap("two")], workers=2, listen=fail)
    assert not workers_of(temporary)


@pytest.mark.engine
def test_a_killed_worker_leaves_nothing_in_the_engine(tmp_path: Path, temporary: Path) -> None:
    work = tmp_path / "work"
    build_state(catalog.load_lab("containerize-flask"), "solution", {}, work)
    request = GradeRequest(id="killed", workspace=str(work))
    run_ids: list[str] = []

    def kill_in_the_middle() -> None:
        def containers() -> bool:
            run_ids[:] = [path.name for path in left_folders(temporary)]
            return any(one.startswith("container") for one in leftovers(*run_ids))

        if eventually(containers, 120):
            os.kill(workers_of(temporary)[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    [result] = grade_requests([request], workers=1)
    killer.join()
    assert result.failure is not None
    assert "was killed by SIGKILL" in result.failure.message
    assert eventually(lambda: not processes_of(temporary))
    sweep()
    assert not left_folders(temporary)
    assert not leftovers(*run_ids)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_cancelling_ends_all_workers(slow: GradeRequest, temporary: Path) -> None:
    """Also where the requests were made off the main thread."""
    cancel, raised = CancelToken(), []
    under_way = threading.Semaphore(0)

    def note(answer: GradeAnswer) -> None:
        if isinstance(answer, GradeEvent) and isinstance(answer.event, CheckStarted):
            under_way.release()

    def ask() -> None:
        with pytest.raises(InterruptedRunError):
            grade_requests([slow, slow, slow], workers=2, listen=note, cancel=cancel)
        raised.append(time.monotonic())

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(2):
        assert under_way.acquire(timeout=60)
    began = time.monotonic()
    cancel.cancel()
    asking.join(30)
    assert raised
    assert raised[0] - began < 15
    assert not workers_of(temporary)
    assert eventually(lambda: not processes_of(temporary))
    assert not left_folders(temporary)


# Who runs the tests in the background has Ctrl-C ignored.
ASK = """
import signal, sys
import msgspec
signal.signal(signal.SIGINT, signal.default_int_handler)
from scaffolder.grading.workers import grade_requests
from scaffolder.model.requests import GradeRequest
request = msgspec.json.decode(sys.argv[1], type=GradeRequest)
def tell(answer):
    print(type(answer).__name__, flush=True)
grade_requests([request], workers=1, listen=tell)
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_who_asked(
    slow: GradeRequest, temporary: Path, number: signal.Signals
) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK, msgspec.json.encode(slow)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asking.stdout is not None
    assert asking.stdout.readline() == "GradeEvent\n"
    asking.send_signal(number)
    _, err = asking.communicate(timeout=60)
    assert ("InterruptedRunError" in err) is (number == signal.SIGINT)
    assert eventually(lambda: not processes_of(temporary))
    assert not left_folders(temporary)


def start_worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_worker_ends_when_nobody_reads_its_answers(slow: GradeRequest, temporary: Path) -> None:
    worker = start_worker()
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(msgspec.json.encode(slow) + b"\n")
    worker.stdin.flush()
    assert worker.stdout.readline()
    worker.stdout.close()
    assert worker.wait(30) == ExitCode.INTERRUPTED
    worker.stdin.close()
    assert not left_folders(temporary)


def test_a_broken_request_is_answered_and_others_go_on(
    cheap: Callable[..., GradeRequest], tmp_path: Path
) -> None:
    good = cheap("good")
    asked: list[tuple[bytes, str, str]] = [
        (b"no json", "", "no request to grade"),
        (b'{"id": "a"}', "a", "workspace"),
        (b'{"id": "b", "workspace": "x", "grade": 1}', "b", "unknown field `grade`"),
        (b'{"id": "c", "workspace": "x", "seconds": 0}', "c", "seconds"),
        (b'{"id": "\xff", "workspace": "x"}', "", "no request to grade"),
        (encode(good, id="d", workspace=str(tmp_path / "gone")), "d", "no such folder"),
        (encode(good, id="e", workspace=str(tmp_path)), "e", "manifest"),
        (encode(good, id="f", lab="no-such-lab"), "f", "no lab 'no-such-lab'"),
        (encode(good, id="g", tasks=("fromat",)), "g", "did you mean 'format'"),
        (encode(good, id="h", learner="\x07"), "h", "learner's id"),
        (msgspec.json.encode(good), "good", ""),
    ]
    worker = start_worker()
    out, _ = worker.communicate(b"\n\n".join(line for line, _, _ in asked) + b"\n", timeout=120)
    assert worker.returncode == 0
    results = [msgspec.json.decode(line, type=GradeResult) for line in out.splitlines()]
    assert [one.id for one in results] == [name for _, name, _ in asked]
    for (_, _, words), result in zip(asked[:-1], results, strict=False):
        assert result.report is None
        assert result.failure is not None
        assert words in result.failure.message
        assert result.failure.exit_code == ExitCode.USAGE
    assert results[-1].failure is None
    assert results[-1].report is not None


def encode(request: GradeRequest, **changes: object) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(request, **changes))


def test_what_takes_too_long_is_ended_and_others_go_on(
    cheap: Callable[..., GradeRequest], slow: GradeRequest, temporary: Path
) -> None:
    short = msgspec.structs.replace(slow, seconds=0.5)
    late, graded = grade_requests([short, cheap("next")], workers=1)
    assert late.failure is not None
    assert "0.5 seconds" in late.failure.message
    assert late.failure.exit_code == ExitCode.UNGRADED
    assert graded.report is not None
    assert not left_folders(temporary)


def test_a_workspace_whose_name_is_no_text_cannot_be_sent(
    cheap: Callable[..., GradeRequest],
) -> None:
    nameless = msgspec.structs.replace(cheap("x"), workspace="work-\udcff")
    refused, graded = grade_requests([nameless, cheap("next")], workers=1)
    assert refused.failure is not None
    assert "no text" in refused.failure.message
    assert graded.report is not None


def test_kept_verdicts_are_used_only_where_that_is_asked(
    cheap: Callable[..., GradeRequest],
) -> None:
    anew = cheap("work")
    kept = msgspec.structs.replace(anew, use_kept=True)
    reports = [grade_request(one).report for one in (anew, kept, kept, anew)]
    assert [one.cached for one in reports if one] == [False, False, True, False]


def test_commands_of_the_work_run_in_the_sandbox_that_is_handed_in(slow: GradeRequest) -> None:
    seen: list[Command] = []

    class Skipping(OwnWork):
        def run(self, command: Command, cancel: CancelToken) -> Completed:
            seen.append(command)
            self.tell("nothing was run")
            return Completed(tuple(map(str, command.argv)), 0, "", "", 0.0, Ending.EXITED)

    report = grade_request(slow, make_sandbox=Skipping).report
    assert report is not None
    assert report.outcome is Outcome.PASS
    assert [list(command.argv) for command in seen] == [["sleep", "60"]]
    assert report.notes == ("nothing was run",)


def test_messages_are_plain_json(cheap: Callable[..., GradeRequest]) -> None:
    request = msgspec.structs.replace(cheap("work"), events=True, tasks=("workflow",))
    told: list[GradeAnswer] = []
    [result] = grade_requests([request], workers=1, listen=told.append)
    assert [type(one).__name__ for one in told] == ["GradeEvent"] * 5 + ["GradeResult"]
    for one in told:
        plain = json.loads(msgspec.json.encode(one))
        assert msgspec.convert(plain, GradeAnswer) == one
    assert told[-1] == result
