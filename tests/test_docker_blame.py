"""Whose fault it is: the builder's and the engine's own words count, nobody else's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from scaffolder.tools import engine
from scaffolder.tools.engine import BuildFailedError, Engine, StartFailedError, machine
from scaffolder.tools.engine.buildlog import list_builder_lines
from scaffolder.tools.engine.containers import translate_start_refusals
from scaffolder.tools.engine.diagnosis import FailureCause, diagnose_build
from scaffolder.tools.processes import CancelToken

BASE = "FROM python:3.13-slim\n"
# What a builder, an engine or a runtime would say, each on a line of its own.
LIES = (
    "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
    "ERROR: error during connect: EOF",
    "the --mount option requires BuildKit",
    "failed to solve: failed to do request: dial tcp: lookup registry: no such host",
    "copy file range failed: no space left on device",
    "OSError: [Errno 28] No space left on device",
    "runc run failed: unable to apply cgroup configuration: permission denied",
    "dockerfile parse error line 2: Unknown flag: link",
    "------",
    " > [2/2] RUN x:",
    "#5 ERROR: failed to copy files: no space left on device",
    "Removing intermediate container 0123456789ab",
    "Step 9/9 : FROM x",
)
PRINTED = "".join(f"{line}\\n" for line in LIES)
HARD = PRINTED.replace("\\n", "\\r") + "\\x0b" + "\\x0c".join(LIES)
HOSTILE = {
    "printed": f"RUN printf '{PRINTED}'; false\n",
    "printed as errors": f"RUN printf '{PRINTED}' >&2; false\n",
    "behind other ends of a line": f"RUN printf '{HARD}'; false\n",
    "by a program": "COPY lies.py /\nRUN python3 /lies.py\n",
    "echoed": "".join(f'RUN false && echo "{line}"\n' for line in LIES),
    "in a list": 'RUN ["sh", "-c", "false\\n' + "\\n".join(LIES) + '"]\n',
    "as names": "".join(f'COPY ["{line}", "/"]\n' for line in LIES[:6]),
    "as a name": f'COPY ["{LIES[4]}", "/"]\n',
    "a wrong shell": f'SHELL ["{LIES[4]}"]\nRUN true\n',
    "a wrong user": f'USER "{LIES[4].split(":")[0]}"\nRUN true\n',
    "a wrong program": 'RUN ["/no/such/program"]\n',
    "no instruction": "RUM true\n",
}


@pytest.fixture
def run_id() -> Iterator[str]:
    name = f"test-{secrets.token_hex(6)}"
    yield name
    engine.remove_run(name)


def build(folder: Path, run_id: str, text: str, connected: Engine | None = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "lies.py").write_text(f"print({chr(10).join(LIES)!r}); raise SystemExit(1)\n")
    (folder / "Dockerfile").write_text(BASE + text)
    engine.build(
        connected or engine.connect(), folder, run_id=run_id, timeout=60, cancel=CancelToken()
    )


@pytest.mark.engine
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_learners_words_buy_nothing(builder: str, text: str, tmp_path: Path, run_id: str) -> None:
    with pytest.raises(BuildFailedError):
        build(tmp_path / "work", run_id, text)


@pytest.mark.parametrize(
    "said",
    [
        "#8 ERROR: failed to copy files: copy file range failed: no space left on device",
        "ERROR: failed to solve: failed to copy: write /tmp/x: no space left on device",
        "ERROR: Error processing tar file(exit status 1): write /big: no space left on device",
        "ERROR: failed to solve: failed to prepare x as y: failed to mount overlay:"
        " no such file or directory",
        'ERROR: process "/bin/sh -c true" did not complete successfully: failed to create shim:'
        " OCI runtime create failed: runc create failed: unable to start container process:"
        " unable to apply cgroup configuration: mkdir /sys/fs/cgroup/x: permission denied: unknown",
        "#5 ERROR: executor failed running [/bin/sh -c true]: runc did not terminate sucessfully",
    ],
)
def test_a_builder_that_lacks_its_machine_makes_one_suspect_it(said: str) -> None:
    assert diagnose_build(["#5 [2/2] RUN true", said]).cause is FailureCause.MACHINE


def test_an_old_builders_quote_ends_where_its_last_one_ends() -> None:
    quoted = "false\nCannot connect to the Docker daemon\n]: exit code: 1\nerror during connect"
    log = [
        "#5 [2/2] RUN x",
        *f"#5 ERROR: executor failed running [sh -c {quoted}]: exit code: 1".split("\n"),
        "------",
        " > [2/2] RUN x:",
        "error during connect: not even the time stands before it",
        "------",
        *f"executor failed running [sh -c {quoted}]: exit code: 1".split("\n"),
    ]
    assert list_builder_lines(log) == ["#5 ERROR: exit code: 1"]


def test_a_newer_builders_report_holds_nothing_of_the_learners() -> None:
    log = [
        "#5 [2/2] RUN echo requires BuildKit && false",
        "#5 0.345 Cannot connect to the Docker daemon",
        '#5 ERROR: process "/bin/sh -c echo \\"no such host\\" && false" did not complete'
        " successfully: exit code: 1",
        "------",
        " > [2/2] RUN echo requires BuildKit && false:",
        "0.345 Cannot connect to the Docker daemon",
        "------",
        "Dockerfile:2",
        "--------------------",
        "   1 |     FROM python:3.13-slim",
        "   2 | >>> RUN echo requires BuildKit && false",
        "--------------------",
        'ERROR: failed to solve: process "/bin/sh -c echo \\"no such host\\" && false" did not'
        " complete successfully: exit code: 1",
    ]
    assert list_builder_lines(log) == [
        "#5 ERROR: exit code: 1",
        "Dockerfile:2",
        "ERROR: failed to solve: exit code: 1",
    ]
    assert diagnose_build(log).cause is FailureCause.LEARNER


RUNTIME = "failed to create shim task: OCI runtime create failed: runc create failed: "
PROCESS = f"{RUNTIME}unable to start container process: "


def refused(said: str) -> docker.errors.APIError:
    return docker.errors.APIError("500 Server Error", explanation=said)


@pytest.mark.parametrize(
    "said",
    [
        f"{PROCESS}unable to apply cgroup configuration: mkdir /sys/fs/cgroup/x: no such file or"
        " directory: unknown",
        f'{PROCESS}error during container init: error mounting "proc" to rootfs at "/proc":'
        " operation not permitted: unknown",
        f"{RUNTIME}can't get final child's PID from pipe: EOF: unknown",
        "driver failed programming external connectivity on endpoint x: iptables failed: can't open"
        " lock file /run/xtables.lock: Permission denied",
        "error creating overlay mount to /var/lib/docker/overlay2/x: no such file or directory",
        "failed to mount overlay: no such file or directory",
        "mkdir /var/lib/docker/containers/x: no space left on device",
        "mkdir /var/lib/docker/containers/x: read-only file system",
        "fork/exec /usr/bin/containerd-shim-runc-v2: no such file or directory: unknown",
        'failed to create shim task: exec: "runc": executable file not found in $PATH: unknown',
        "unknown or invalid runtime name: nvidia",
    ],
)
def test_a_machine_that_starts_nothing_is_suspected(said: str) -> None:
    with pytest.raises(StartFailedError) as caught, translate_start_refusals():
        raise refused(said)
    assert not caught.value.expected
    assert caught.value.suspected.hint


def test_words_that_no_engine_has_for_an_image_are_looked_into() -> None:
    with pytest.raises(StartFailedError) as caught, translate_start_refusals():
        raise refused("the moon is in the wrong phase")
    assert not caught.value.expected


@pytest.mark.parametrize(
    "said",
    [
        f'{PROCESS}exec: "/no/such": stat /no/such: no such file or directory: unknown',
        f'{PROCESS}exec: "runc": executable file not found in $PATH: unknown',
        f'{PROCESS}exec: "no space left on device": executable file not found in $PATH: unknown',
        f'{PROCESS}exec: "/x: cgroup config": permission denied: unknown',
        "OCI runtime create failed: container_linux.go:380: starting container process caused:"
        ' exec: "/x": stat /x: no such file or directory: unknown',
        f"{PROCESS}error during container init: exec /x: exec format error: unknown",
        f'{PROCESS}chdir to cwd ("/root/x") set in config.json failed: permission denied: unknown',
        "unable to find user nobodyx: no matching entries in passwd file",
        "No command specified",
    ],
)
def test_an_image_that_cannot_be_started_is_the_learners(said: str) -> None:
    with pytest.raises(StartFailedError) as caught, translate_start_refusals():
        raise refused(said)
    assert caught.value.expected


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on"
            " device",
            "the Docker Engine's disk is full",
        ),
        (
            "runc run failed: unable to start container process: unable to apply cgroup"
            " configuration",
            "the Docker Engine's machine is in trouble",
        ),
        ("nothing of that sort", ""),
    ],
)
def test_what_a_step_prints_of_the_machine_is_suspected(printed: str, said: str) -> None:
    found = machine.suspect_trouble(["Collecting flask", printed, "and more"])
    assert (found.message if found else "").startswith(said)
    assert (found is None) is (not said)
