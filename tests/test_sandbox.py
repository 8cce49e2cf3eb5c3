"""What a learner's command may do to the machine: as little as this machine can arrange."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaffolder import sandbox
from scaffolder.sandbox import Limits, OwnWork
from scaffolder.tools.processes import CancelToken, Completed, Ending

isolated = pytest.mark.skipif(not sandbox.isolated(), reason="bubblewrap does not work here")


def run(tmp_path: Path, script: str, **options: object) -> Completed:
    work = tmp_path / "wörk 1"
    work.mkdir(exist_ok=True)
    (tmp_path / "scratch").mkdir(exist_ok=True)
    return OwnWork(tmp_path / "scratch").run(
        ["sh", "-c", script],
        cwd=work,
        cancel=CancelToken(),
        **{"timeout": 20, **options},  # type: ignore[arg-type]
    )


def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    done = run(tmp_path, "env; echo home $HOME; touch $HOME/x $TMPDIR/y here", env={"GIVEN": "1"})
    assert done.ok, done.output
    assert "secret" not in done.stdout
    assert "GIVEN=1" in done.stdout
    assert f"home {tmp_path / 'scratch'}" in done.stdout


@isolated
def test_nothing_outside_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / "outside"
    done = run(tmp_path, f"touch '{target}'")
    assert not done.ok
    assert not target.exists()


@isolated
def test_root_cannot_make_it_writable_again(tmp_path: Path) -> None:
    target = tmp_path / "outside"
    done = run(tmp_path, f"mount -o remount,rw,bind / ; mount -o remount,rw /; touch '{target}'")
    assert not done.ok
    assert not target.exists()


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
    done = run(tmp_path, "cat /proc/net/dev", network=False)
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


@pytest.mark.parametrize("failures", [1, 3])
def test_what_bubblewrap_could_not_start_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    count = tmp_path / "count"
    script = f"""
        echo >> '{count}'
        if [ $(wc -l < '{count}') -gt {failures} ]; then echo started; exit 0; fi
        echo '{UNMOUNTED.replace("'", "")}' >&2
        exit 1
    """
    bwrap = ("sh", "-c", script)
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda _: bwrap)
    done = run(tmp_path, "true")
    assert done.stdout == "started\n"
    assert len(count.read_text().splitlines()) == failures + 1


def test_what_never_starts_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap = ("sh", "-c", "echo 'bwrap: no' >&2; exit 1")
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda _: bwrap)
    with pytest.raises(RuntimeError, match="bubblewrap cannot start"):
        run(tmp_path, "true")


def test_a_plain_copy_is_used_where_bubblewrap_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda _: ())
    done = run(tmp_path, "echo ran; pwd")
    assert done.ok
    assert "wörk 1" in done.stdout
