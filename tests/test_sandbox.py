"""What a learner's command may do to the machine: as little as this machine can arrange."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from scaffolder import sandbox
from scaffolder.sandbox import Command, Limits, OwnWork, bubblewrap
from scaffolder.tools.processes import CancelToken, Completed, Ending

isolated = pytest.mark.skipif(not sandbox.isolated(), reason="bubblewrap does not work here")


def run(tmp_path: Path, script: str, **options: object) -> Completed:
    work = tmp_path / "wörk 1"
    work.mkdir(exist_ok=True)
    (tmp_path / "scratch").mkdir(exist_ok=True)
    command = Command(argv=("sh", "-c", script), cwd=work, timeout=20)
    command = dataclasses.replace(command, **options)  # type: ignore[arg-type]
    return OwnWork(tmp_path / "scratch").run(command, CancelToken())


def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    done = run(tmp_path, "env; echo home $HOME; touch $HOME/x $TMPDIR/y here", env={"GIVEN": "1"})
    assert done.ok, done.output
    assert "secret" not in done.stdout
    assert "GIVEN=1" in done.stdout
    assert str(Path.home()) not in done.stdout
    assert not list((tmp_path / "scratch").iterdir())


@isolated
def test_nothing_outside_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / "outside"
    run(tmp_path, f"touch '{target}'")
    assert not target.exists()
    assert not run(tmp_path, "touch /usr/x || touch /etc/x || touch /x || touch /dev/x").ok


@isolated
def test_root_cannot_make_it_writable_again(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "for m in / /usr /etc/passwd; do mount -o remount,rw,bind $m; "
        "mount -o remount,rw $m; done; touch /x || touch /usr/x",
    )
    assert not done.ok


@isolated
def test_other_processes_are_out_of_sight(tmp_path: Path) -> None:
    done = run(tmp_path, f"kill -0 {os.getpid()} && echo seen; ls -d /proc/[0-9]* | wc -l")
    assert "seen" not in done.stdout
    assert int(done.stdout) < 10


@isolated
def test_what_escapes_its_session_ends_all_the_same(tmp_path: Path) -> None:
    marker = tmp_path / "wörk 1" / "marker"
    run(tmp_path, f"setsid sh -c 'sleep 1.5; touch \"{marker}\"' >/dev/null 2>&1 & exit 0")
    import time

    time.sleep(2.5)
    assert not marker.exists()


@isolated
def test_without_network_only_loopback_is_left(tmp_path: Path) -> None:
    done = run(tmp_path, "cat /proc/net/dev")
    names = [line.split(":")[0].strip() for line in done.stdout.splitlines()[2:]]
    assert names == ["lo"]


@isolated
def test_the_engine_is_out_of_reach(tmp_path: Path) -> None:
    done = run(
        tmp_path, "for s in /run/docker.sock /var/run/docker.sock; do test -S $s && echo $s; done"
    )
    assert done.stdout == ""


def test_a_file_cannot_grow_without_end(tmp_path: Path) -> None:
    done = run(tmp_path, "yes > large", limits=Limits(file_mb=1))
    assert not done.ok
    assert (tmp_path / "wörk 1" / "large").stat().st_size <= 1024 * 1024


def test_the_processor_is_not_held_without_end(tmp_path: Path) -> None:
    done = run(tmp_path, "while :; do :; done", limits=Limits(cpu_seconds=1))
    assert done.ending is Ending.EXITED
    assert not done.ok


# What bubblewrap says when a container ends elsewhere while it sets up: its file system goes away.
UNMOUNTED = (
    "bwrap: Can't bind mount /oldroot/ on /newroot/: Unable to apply mount flags: "
    'remount "/newroot/var/lib/docker/overlay2/x/merged": Invalid argument'
)


def start_by(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a shell script play bubblewrap; what comes after `--` is what it was to run."""

    def enclose(command: Command, private: Path) -> list[str]:
        return ["sh", "-c", script, str(private), *map(str, command.argv)]

    monkeypatch.setattr(bubblewrap, "enclose", enclose)
    monkeypatch.setattr(bubblewrap, "why_not", lambda: None)


@pytest.mark.parametrize("failures", [1, 3])
def test_what_bubblewrap_could_not_start_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    count = tmp_path / "count"
    script = f"""
        echo >> '{count}'
        if [ $(wc -l < '{count}') -gt {failures} ]; then echo > "$0/started"; exec "$@"; fi
        echo '{UNMOUNTED.replace("'", "")}' >&2
        exit 1
    """
    start_by(monkeypatch, script)
    done = run(tmp_path, "echo started")
    assert done.stdout == "started\n"
    assert len(count.read_text().splitlines()) == failures + 1


def test_what_never_starts_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_by(monkeypatch, "echo 'bwrap: no' >&2; exit 1")
    with pytest.raises(RuntimeError, match="bubblewrap cannot start"):
        run(tmp_path, "true")


@isolated
def test_a_command_that_speaks_as_bubblewrap_does_has_run(tmp_path: Path) -> None:
    done = run(tmp_path, "echo x >> runs; echo 'bwrap: cannot start' >&2; exit 1")
    assert done.returncode == 1
    assert (tmp_path / "wörk 1" / "runs").read_text() == "x\n"


def test_a_plain_copy_is_used_where_bubblewrap_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is not installed")
    done = run(tmp_path, "echo ran; pwd; touch $HOME/x $TMPDIR/y; echo $HOME")
    assert done.ok
    assert "wörk 1" in done.stdout
    assert str(tmp_path / "scratch") in done.stdout
    assert not list((tmp_path / "scratch").iterdir())
