"""However a run ends, nothing is left behind."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import docker
import pytest

from scaffolder import workspace
from scaffolder.core import paths
from scaffolder.core.errors import InterruptedRunError
from scaffolder.core.interrupts import hold_interrupts
from scaffolder.core.run_folders import (
    SocketFolder,
    find_dead_folders,
    is_dead,
    make_run_folder,
)
from scaffolder.grading import lifecycle
from scaffolder.grading.grader import grade
from scaffolder.grading.lifecycle import sweep
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs.generate import build_state, create_workspace
from scaffolder.tools import engine
from scaffolder.tools.processes import CancelToken
from tests.support.command import Devlab, Said, shell
from tests.support.engine import leftovers
from tests.support.labs import Catalog, InterruptsTidying, task

LABS = [
    pytest.param("ci-pipeline"),
    pytest.param("containerize-flask", marks=pytest.mark.engine),
    pytest.param("terraform-stubs", marks=pytest.mark.terraform),
]
# Seconds after the run has its folder: from the copying to the middle of the slow checks.
MOMENTS = (0.0, 0.8, 3.0, 7.0)


def test_ctrl_c_before_anything_is_loaded_is_no_traceback() -> None:
    program = (
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from scaffolder.entry import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_ctrl_c_after_all_is_said_spoils_nothing() -> None:
    program = (
        "import atexit, signal, sys\n"
        "atexit.register(signal.raise_signal, signal.SIGINT)\n"
        "sys.argv = ['devlab', 'list']\n"
        "from scaffolder.entry import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


class Place:
    """A workspace and a temporary space of its own, and what is left in and of it."""

    def __init__(self, lab: str, folder: Path) -> None:
        self.work = folder / "work"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        build_state(real_catalog.load_lab(lab), "solution", {}, self.work)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return shell(
            "check", "--no-cache", *arguments, cwd=self.work, env={"TMPDIR": str(self.temporary)}
        )

    def left_folders(self) -> list[str]:
        found = self.temporary.glob("devlab-*/*")
        return [str(path) for path in found if path.name != paths.SLOTS]

    def await_folder(self) -> None:
        deadline = time.monotonic() + 60
        while not self.left_folders() and time.monotonic() < deadline:
            time.sleep(0.02)

    def left_processes(self) -> list[str]:
        """Processes that were told of our temporary space, whoever started them."""
        needle = os.fsencode(str(self.temporary))
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
                state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if needle in told and state != "Z":
                found.append(told.decode(errors="replace")[-200:])
        return found


def eventually_nothing(what: object, seconds: float = 10) -> list[str]:
    deadline = time.monotonic() + seconds
    left: list[str] = what()  # type: ignore[operator]
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = what()  # type: ignore[operator]
    return left


def end(process: subprocess.Popen[str]) -> Said:
    out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
@pytest.mark.parametrize("lab", LABS)
def test_ctrl_c_at_any_moment_leaves_nothing(lab: str, tmp_path: Path) -> None:
    place = Place(lab, tmp_path)
    for moment in MOMENTS:
        process = place.start()
        place.await_folder()
        time.sleep(moment)
        run_ids = [Path(path).name.lstrip(".") for path in place.left_folders()]
        process.send_signal(signal.SIGINT)
        said = end(process)
        # On a quick machine a run may be over before the later moments: it says so, in full.
        over = moment >= 3 and said.code == 0 and "100 of 100 points" in said.out
        assert over or said.code == 130, f"after {moment} s: {said}"
        assert "Traceback" not in said.err
        assert not place.left_folders(), f"after {moment} s"
        assert not eventually_nothing(place.left_processes), f"after {moment} s"
        assert not leftovers(*run_ids), f"after {moment} s"


def test_termination_is_an_interruption(tmp_path: Path) -> None:
    place = Place("ci-pipeline", tmp_path)
    process = place.start()
    place.await_folder()
    process.send_signal(signal.SIGTERM)
    assert end(process).code == 130
    assert not place.left_folders()


def test_ctrl_c_while_it_tidies_up_waits_for_that(catalog: Catalog, tmp_path: Path) -> None:
    """A run that has just ended is the one moment in which nothing else holds Ctrl-C back."""
    catalog.lab(task("a").replace("test.ends, outcome: pass", "test.interrupts_tidying"))
    lab = real_catalog.load_lab("tested")
    create_workspace(lab, {}, tmp_path / "work")
    InterruptsTidying.given_back.clear()
    with pytest.raises(KeyboardInterrupt):
        grade(lab, workspace.find_workspace(tmp_path / "work"))
    [run_id] = InterruptsTidying.given_back
    assert is_dead(run_id)
    assert not (paths.find_runs_folder() / run_id).exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_insists() -> None:
    done: list[str] = []

    def tidy() -> None:
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("first")
            signal.raise_signal(signal.SIGTERM)
            done.append("second")

    with pytest.raises(KeyboardInterrupt):
        tidy()
    assert done == ["first"]


def test_a_signal_outlives_what_the_block_raises() -> None:
    def tidy() -> None:
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
            raise ValueError

    with pytest.raises(KeyboardInterrupt):
        tidy()


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hold_interrupts():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.engine
def test_what_the_engine_refuses_to_remove_is_tried_again() -> None:
    """As while the removal of its container is under way elsewhere."""
    run_id = "tested-tried-again"
    api = docker.from_env().api
    dockerfile = f"FROM python:3.13-slim\nLABEL devlab.run={run_id}\n".encode()
    build = api.build(fileobj=io.BytesIO(dockerfile), decode=True, rm=True)
    image = [said["aux"]["ID"] for said in build if "aux" in said][-1]
    # Without the label, which it would inherit, only somebody else removes the container.
    container = api.create_container(image, ["sleep", "60"], labels={"devlab.run": ""})["Id"]
    api.start(container)
    with pytest.raises(docker.errors.APIError):
        api.remove_image(image, force=True)
    other = docker.from_env().api
    timer = threading.Timer(1, other.remove_container, (container,), {"force": True})
    timer.start()
    assert engine.remove_run(run_id) == 1
    assert not leftovers(run_id)
    timer.join()


@pytest.mark.engine
def test_an_image_that_comes_after_its_build_was_cut_off_is_removed(tmp_path: Path) -> None:
    """As where the engine writes the image while the client that asked for it goes away."""
    run_id, cancel = "tested-cut-off", CancelToken()
    (tmp_path / "Dockerfile").write_text("FROM python:3.13-slim\nRUN sleep 30\n")
    threading.Timer(1, cancel.cancel).start()
    with pytest.raises(InterruptedRunError):
        engine.build(engine.connect(), tmp_path, run_id=run_id, timeout=60, cancel=cancel)
    late = f"FROM python:3.13-slim\nLABEL devlab.run={run_id}\n".encode()
    other = docker.from_env().api

    def build_late() -> None:
        list(other.build(fileobj=io.BytesIO(late), decode=True, rm=True))

    timer = threading.Timer(0.5, build_late)
    timer.start()
    assert engine.remove_run(run_id) == 1
    timer.join()
    assert not leftovers(run_id)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_an_interrupted_proof_leaves_nothing(tmp_path: Path) -> None:
    place = Place("ci-pipeline", tmp_path)
    proof = ("lab", "prove", "ci-pipeline", "--only", "solution", "--no-cache")
    process = shell(*proof, cwd=tmp_path, env={"TMPDIR": str(place.temporary)})
    deadline = time.monotonic() + 60
    # One folder is the proof's own; then come those of the runs.
    while len(place.left_folders()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = end(process)
    assert said.code == 130, said
    assert "Traceback" not in said.err
    assert not place.left_folders()
    assert not eventually_nothing(place.left_processes)


@pytest.mark.engine
def test_a_killed_run_is_swept_by_the_next_command(tmp_path: Path) -> None:
    place = Place("containerize-flask", tmp_path)
    process = place.start()
    deadline = time.monotonic() + 60

    def containers() -> list[str]:
        ids = [Path(path).name for path in place.left_folders()]
        return [thing for thing in leftovers(*ids) if thing.startswith("container")]

    while not containers() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    end(process)
    left = place.left_folders()
    run_ids = [Path(path).name for path in left]
    assert left, "the test wants a run that was killed in the middle"
    assert not eventually_nothing(place.left_processes)
    cleaned = subprocess.run(
        [process.args[0], "-m", "scaffolder.cli", "clean"],  # type: ignore[index]
        env={**os.environ, "TMPDIR": str(place.temporary)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "removed 1 temporary folders" in cleaned.stdout
    assert not place.left_folders()
    assert not leftovers(*run_ids)


def test_two_checks_of_one_workspace_do_not_disturb_each_other(tmp_path: Path) -> None:
    place = Place("ci-pipeline", tmp_path)
    both = [place.start("--task", "workflow-valid", "--format", "json") for _ in range(2)]
    for said in [end(process) for process in both]:
        assert said.code == 0, said.err
        assert json.loads(said.out)["outcome"] == "pass"


def test_a_live_run_is_not_swept(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    with make_run_folder() as folder:
        assert not is_dead(folder.name)
        sweep()
        assert folder.is_dir()
    assert is_dead(folder.name)
    assert not folder.exists()
    assert not is_dead("somebody-elses")


MAKERS = {
    "lint": "lint.lint_lab(lab.root)",
    "mutants": "states.list_mutants(lab)",
    "plan": "planning.plan_proof(lab, ['start'])",
    "solution": "reference.read_state(lab, 'solution', {})",
    "doctor": "needs.list_needs(lab)",
}
MAKING = """\
import time
from scaffolder.doctor import needs
from scaffolder.labs import catalog, generate
from scaffolder.proving import lint, planning, states
from scaffolder.revise import reference

def stop_midway(*args):
    print(args[-1], flush=True)
    time.sleep(600)

generate.build_state = stop_midway
generate.render_template = stop_midway
lab = catalog.load_lab("ci-pipeline")
list({call} or ())
"""


@pytest.mark.parametrize("call", MAKERS.values(), ids=MAKERS)
def test_what_is_killed_while_it_looks_at_a_lab_is_swept(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", MAKING.format(call=call)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        made = Path(process.stdout.readline().strip())
        [folder] = [one for one in paths.find_runs_folder().iterdir() if made.is_relative_to(one)]
        sweep()
        assert folder.is_dir(), "whoever made it lives"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert folder.is_dir()
    sweep()
    assert not list(paths.find_runs_folder().iterdir())
    assert [one.name for one in tmp_path.iterdir()] == [paths.find_runs_folder().name]


def test_without_a_home(tmp_path: Path) -> None:
    place = Place("ci-pipeline", tmp_path)
    environment = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"), "")
    process = shell(
        "check",
        "--task",
        "workflow-valid",
        cwd=place.work,
        env={**environment, "TMPDIR": str(place.temporary)},
    )
    assert end(process).code == 0


def test_a_task_of_a_waiting_run_can_be_cancelled(catalog: Catalog, tmp_path: Path) -> None:
    """Cancelling from another thread unwinds as Ctrl-C does."""
    catalog.lab(task("a").replace("test.ends, outcome: pass", "test.waits"))
    lab = real_catalog.load_lab("tested")
    create_workspace(lab, {}, tmp_path / "work")
    cancel = CancelToken()
    threading.Timer(0.3, cancel.cancel).start()
    with pytest.raises(InterruptedRunError):
        grade(lab, workspace.find_workspace(tmp_path / "work"), cancel=cancel)


def test_what_ends_a_block_ends_its_sweep_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would begin later, and be cut by the end of the program."""
    swept = []
    monkeypatch.setattr(lifecycle, "sweep", lambda: swept.append("late"))

    def interrupted() -> None:
        with lifecycle.sweep_meanwhile():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not [one for one in threading.enumerate() if one.name == "sweep"]
    assert not swept


@pytest.mark.parametrize("length", [0, 120])
def test_a_socket_folder_is_short_and_is_swept_when_its_maker_is_killed(
    tmp_path: Path, length: int
) -> None:
    near = tmp_path / ("n" * length)
    near.mkdir(exist_ok=True)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from scaffolder.core.run_folders import SocketFolder, make_run_folder\n"
        f"near = Path({str(near)!r}) if {length} else None\n"
        "with make_run_folder() as run:\n"
        "    made = SocketFolder(near or run, len('/socket'))\n"
        "    print(made.path, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        folder = Path(made.stdout.readline().strip())
        sweep()
        assert folder.is_dir()
        assert folder.stat().st_mode & 0o777 == 0o700
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "socket"))
        made.kill()
    sweep()
    assert not folder.exists()


def test_a_socket_folder_goes_with_its_user(tmp_path: Path) -> None:
    near = tmp_path / ("n" * 120)
    near.mkdir()
    for place in (tmp_path, near):
        with SocketFolder(place, 1) as folder:
            assert folder.is_dir()
        assert not folder.exists()
    assert list(near.iterdir()) == []


def test_a_run_folder_that_was_only_begun_is_swept_when_it_is_old(tmp_path: Path) -> None:
    with make_run_folder() as run:
        begun = run.with_name(f".{run.name[:-1]}~")
    begun.mkdir()
    assert begun not in find_dead_folders(), "it may be begun just now"
    os.utime(begun, (0, 0))
    sweep()
    assert not begun.exists()
