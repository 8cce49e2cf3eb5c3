"""What loads the processors takes turns, among all processes of a user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.core.errors import InterruptedRunError
from scaffolder.tools.processes import CancelToken
from scaffolder.tools.slots import Slots

HOLD = """
import sys
from pathlib import Path
from scaffolder.tools.processes import CancelToken
from scaffolder.tools.slots import Slots
with Slots(Path(sys.argv[1]), 1, CancelToken()):
    print("held", flush=True)
    sys.stdin.read()
"""


def slots(folder: Path, count: int = 1, cancel: CancelToken | None = None) -> Slots:
    return Slots(folder / "slots", count, cancel or CancelToken())


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def hold_elsewhere(folder: Path) -> subprocess.Popen[str]:
    """Return a process that holds the only slot until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder / "slots")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_no_more_than_the_count_at_a_time(tmp_path: Path) -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def work() -> None:
        nonlocal now, most
        # As each run has them: of its own, over the same folder.
        own = slots(tmp_path, 2)
        for _ in range(5):
            with own:
                with lock:
                    now += 1
                    most = max(most, now)
                time.sleep(0.002)
                with lock:
                    now -= 1

    threads = [in_thread(work) for _ in range(6)]
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert 1 <= most <= 2


def test_one_who_waits_ends_when_the_run_is_cancelled(tmp_path: Path) -> None:
    cancel, over = CancelToken(), threading.Event()

    def wait() -> None:
        with pytest.raises(InterruptedRunError), slots(tmp_path, 2, cancel):
            pass
        over.set()

    with slots(tmp_path, 2), slots(tmp_path, 2):
        in_thread(wait)
        assert not over.wait(0.1)
        cancel.cancel()
        assert over.wait(10)


@pytest.mark.parametrize("killed", [False, True])
def test_processes_share_the_slots(tmp_path: Path, killed: bool) -> None:
    """Also where the one that holds a slot is killed."""
    process = hold_elsewhere(tmp_path)
    entered = threading.Event()

    def wait() -> None:
        with slots(tmp_path):
            entered.set()

    thread = in_thread(wait)
    assert not entered.wait(0.2)
    if killed:
        process.kill()
    process.communicate()
    assert entered.wait(10)
    thread.join(10)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_is_forked_meanwhile_holds_nothing(tmp_path: Path) -> None:
    read, write = os.pipe()
    with slots(tmp_path):
        child = os.fork()
        if child == 0:
            os.close(write)
            os.read(read, 1)
            os._exit(0)
    entered = threading.Event()

    def take() -> None:
        with slots(tmp_path):
            entered.set()

    in_thread(take)
    assert entered.wait(10)
    os.close(write)
    os.waitpid(child, 0)
    os.close(read)


def test_who_comes_later_does_not_overtake_for_ever(tmp_path: Path) -> None:
    """One who takes the slot again and again, at once, does not starve who waits."""
    stop, busy = threading.Event(), threading.Event()

    def take_again() -> None:
        own = slots(tmp_path)
        while not stop.is_set():
            with own:
                busy.set()
                time.sleep(0.001)

    greedy = in_thread(take_again)
    assert busy.wait(10)
    done = threading.Event()

    def wait() -> None:
        for _ in range(3):
            with slots(tmp_path):
                pass
        done.set()

    in_thread(wait)
    assert done.wait(20)
    stop.set()
    greedy.join(10)


def test_a_folder_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    with slots(tmp_path):
        shutil.rmtree(tmp_path / "slots")
        with slots(tmp_path):
            assert (tmp_path / "slots").is_dir()
    with slots(tmp_path):
        pass


def test_where_no_folder_can_be_nothing_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("no folder")
    with slots(tmp_path), slots(tmp_path):
        pass
