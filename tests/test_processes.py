"""Programs are run to their end, and never beyond it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from scaffolder.core.errors import InterruptedRunError, UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Daemon, Ending


def run(*argv: str, timeout: float = 20, **options: object) -> processes.Completed:
    return processes.run(argv, timeout=timeout, cancel=CancelToken(), **options)  # type: ignore[arg-type]


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_output_code_and_lines() -> None:
    lines: list[str] = []
    done = run("sh", "-c", "echo one; echo two >&2; printf three; exit 4", on_line=lines.append)
    assert (done.returncode, done.stdout, done.stderr) == (4, "one\nthree", "two\n")
    assert (done.ending, done.ok, lines) == (Ending.EXITED, False, ["one", "three"])


def test_stdin_is_fed_and_else_empty() -> None:
    assert run("cat", stdin=b"words").stdout == "words"
    assert run("cat").stdout == ""


def test_bytes_that_are_no_text_are_kept_apart() -> None:
    assert run("printf", r"\377ok").stdout == "\ufffdok"


def test_a_missing_program_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="cannot run no-such-program"):
        run("no-such-program")


def test_a_time_out_kills_the_grandchildren_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    done = run("sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait", timeout=0.5)
    assert done.ending is Ending.TIMED_OUT
    assert gone(int(pid_file.read_text()))


def test_endless_output_is_cut() -> None:
    done = run("yes", output_limit=100_000)
    assert done.ending is Ending.TOO_MUCH_OUTPUT
    assert len(done.stdout) < 300_000


def test_a_child_that_keeps_the_pipe_open_does_not_hold_us(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    done = run("sh", "-c", f"sleep 60 & echo $! > {pid_file}")
    assert done.ending is Ending.EXITED
    assert done.seconds < 15
    assert gone(int(pid_file.read_text()))


def test_cancelling_kills_and_raises(tmp_path: Path) -> None:
    cancel = CancelToken()
    pid_file = tmp_path / "pid"
    threading.Timer(0.5, cancel.cancel).start()
    with pytest.raises(InterruptedRunError):
        processes.run(["sh", "-c", f"echo $$ > {pid_file}; sleep 60"], timeout=30, cancel=cancel)
    assert gone(int(pid_file.read_text()))


def test_nothing_starts_after_cancelling(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(InterruptedRunError):
        processes.run(["sleep", "60"], timeout=30, cancel=cancel)


def test_a_daemon_ends_with_its_block(tmp_path: Path) -> None:
    with Daemon(
        [sys.executable, "-c", "import os,time; print(os.getpid(), flush=True); time.sleep(60)"],
        log=tmp_path / "log",
    ) as daemon:
        assert daemon.alive
        while not (tmp_path / "log").read_text().strip():
            time.sleep(0.02)
        pid = int((tmp_path / "log").read_text())
        os.kill(pid, 0)
    assert gone(pid)


def test_who_does_not_read_its_input_is_bounded_all_the_same() -> None:
    much = b"x" * 2**22
    assert run("sh", "-c", "exit 3", stdin=much).returncode == 3
    assert run("sleep", "60", stdin=much, timeout=0.5).ending is Ending.TIMED_OUT
    assert run("wc", "-c", stdin=much).stdout.strip() == str(len(much))
    # Both directions at once, more than either pipe holds.
    assert len(run("cat", stdin=much).stdout) == len(much)


def test_lines_of_both_streams_are_heard_apart() -> None:
    out: list[str] = []
    errors: list[str] = []
    run(
        *("sh", "-c", "echo one; echo two >&2; printf three >&2"),
        on_line=out.append,
        on_error_line=errors.append,
    )
    assert (out, errors) == (["one"], ["two", "three"])


def test_what_goes_on_in_the_group_is_found() -> None:
    assert run("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo", find_left=True).left_behind
    assert not run("sh", "-c", "sleep 0.2 & echo", find_left=True).left_behind
    assert not run("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo").left_behind
