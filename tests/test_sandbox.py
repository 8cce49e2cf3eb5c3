"""What a learner's command may do to the machine: as little as this machine can arrange."""

from __future__ import annotations

import dataclasses
import os
import socket
import tempfile
from pathlib import Path

import pytest

import scaffolder
from scaffolder import sandbox
from scaffolder.labs import catalog
from scaffolder.sandbox import Command, Interruption, Limits, OwnWork, bubblewrap, places
from scaffolder.tools.processes import CancelToken, Completed, Ending

isolated = pytest.mark.skipif(not sandbox.is_isolated(), reason="bubblewrap does not work here")


def run(tmp_path: Path, script: str, **options: object) -> Completed:
    (tmp_path / "wörk 1").mkdir(exist_ok=True)
    (tmp_path / "scratch").mkdir(exist_ok=True)
    command = dataclasses.replace(_command(tmp_path, script), **options)  # type: ignore[arg-type]
    return OwnWork(tmp_path / "scratch").run(command, CancelToken())


def _command(tmp_path: Path, script: str) -> Command:
    return Command(argv=("sh", "-c", script), cwd=tmp_path / "wörk 1", timeout=20)


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
@pytest.mark.parametrize(
    "attempt",
    [
        "cat /proc/1/mem",
        "printf x > /proc/1/mem",
        "unshare -Ur sh -c 'umount /proc/1; cat /proc/1/environ'",
        "unshare -Urm sh -c 'mount -t proc none /mnt && cat /mnt/1/environ'",
        'python3 -c "import ctypes as c; d = c.CDLL(None); exit(d.ptrace(16, 1, 0, 0) != 0)"',
    ],
)
def test_the_first_process_is_out_of_reach(tmp_path: Path, attempt: str) -> None:
    """It would let all that runs outlive the sandbox, and the time that it has."""
    assert not run(tmp_path, attempt).ok


@isolated
def test_nothing_of_the_kernel_can_be_set(tmp_path: Path) -> None:
    """A handler of core dumps, say, would run outside."""
    places = "/proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs"
    assert run(tmp_path, f"find {places} -type f -writable").stdout == ""
    assert "core_pattern" in run(tmp_path, "ls /proc/sys/kernel").stdout


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


def test_what_ran_without_bubblewrap_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    (tmp_path / "scratch").mkdir()
    own = OwnWork(tmp_path / "scratch", told.append)
    command = Command(argv=("true",), cwd=tmp_path, timeout=20)
    if sandbox.is_isolated():
        assert own.run(command, CancelToken()).ok
        assert not told
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is not installed")
    assert own.environment()
    assert not own.walled
    assert not told, "no command ran"
    assert own.run(command, CancelToken()).ok
    assert ["could reach the network" in one for one in told] == [True]


def test_neither_processes_nor_threads_multiply_without_end(tmp_path: Path) -> None:
    if not sandbox.is_isolated():
        pytest.skip("bubblewrap does not work here")
    few = Limits(processes=100)
    done = run(tmp_path, "f() { f | f & }; f; sleep 15", limits=few)
    assert done.ending is Ending.TOO_MANY_PROCESSES
    threads = (
        "import threading, time\n"
        "for _ in range(200): threading.Thread(target=time.sleep, args=(15,)).start()"
    )
    done = run(tmp_path, f"/usr/bin/python3 -c '{threads}'", limits=few)
    assert done.ending is Ending.TOO_MANY_PROCESSES
    done = run(tmp_path, "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait", limits=few)
    assert done.ok


@isolated
def test_memory_is_bounded_for_all_processes_together(tmp_path: Path) -> None:
    hold = 'import time; x = b"x" * 60_000_000; time.sleep(15)'
    script = f"for i in 1 2 3 4; do /usr/bin/python3 -c '{hold}' & done; wait"
    done = run(tmp_path, script, limits=Limits(total_memory_mb=150))
    assert done.ending is Ending.TOO_MUCH_MEMORY


@isolated
def test_shared_memory_counts_once_for_all_that_share_it(tmp_path: Path) -> None:
    hold = (
        "import mmap, os, time\n"
        "m = mmap.mmap(-1, 90_000_000); m.write(b'x' * 90_000_000)\n"
        "[os.fork() for _ in range(2)]; m[::4096]; time.sleep(2)"
    )
    one = f"/usr/bin/python3 -c '{hold}'".replace("'x'", '"x"')
    done = run(tmp_path, f"{one} & wait", limits=Limits(total_memory_mb=200))
    assert done.ending is Ending.EXITED, done.output
    done = run(tmp_path, f"{one} & {one} & {one} & wait", limits=Limits(total_memory_mb=200))
    assert done.ending is Ending.TOO_MUCH_MEMORY


@isolated
@pytest.mark.parametrize(
    "attempt",
    [
        "import os; os.memfd_create(str())",
        "import ctypes as c; exit(c.CDLL(None).syscall(430, b'tmpfs', 0) < 0)",
        "import os; exit(os.system('unshare -Urm mount -t tmpfs none /mnt') != 0)",
    ],
)
def test_no_files_are_made_in_memory(tmp_path: Path, attempt: str) -> None:
    """Nothing that counts from outside would see them."""
    assert not run(tmp_path, f'/usr/bin/python3 -c "{attempt}"').ok


def test_a_folder_that_the_user_may_not_look_into_is_no_trouble(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    ours = os.geteuid()
    try:
        os.seteuid(ours or 65534)
        assert places.list_masks(closed) == ()
        assert list(places.list_links(closed / "in" / "it")) == []
    finally:
        os.seteuid(ours)
        closed.chmod(0o700)


NESTED = (
    "/usr/bin/python3 -c 'import os\n"
    'for _ in range(2500): os.mkdir("a"), os.chdir("a")\n'
    'for name in "xy": open(name, "wb").write(bytes(40_000_000))\''
)


@isolated
@pytest.mark.parametrize(
    "script",
    [
        "cd $HOME; fill a; fill b; sleep 15",
        "cd /dev/shm; fill a; fill b; sleep 15",
        f"cd $HOME; {NESTED}; sleep 15",
        "exec 5<>/var/tmp/a; rm /var/tmp/a; fill /proc/self/fd/5; fill b; sleep 15",
    ],
    ids=["home", "shm", "nested", "nameless"],
)
def test_the_disk_is_not_filled(tmp_path: Path, script: str) -> None:
    fill = 'fill() { head -c 40000000 /dev/zero > "$1"; }'
    assert run(tmp_path, f"{fill}; fill $HOME/a; sleep 1", limits=Limits(disk_mb=50)).ok
    done = run(tmp_path, f"{fill}; {script}", limits=Limits(disk_mb=50))
    assert done.ending is Ending.TOO_MUCH_DISK, done.output


@isolated
def test_what_others_write_is_not_the_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([1000])
    monkeypatch.setattr("scaffolder.sandbox.census.measure_free_mb", lambda _: next(left, 0))
    assert run(tmp_path, "sleep 1", limits=Limits(disk_mb=50)).ok


@isolated
def test_what_lies_outside_is_not_there(tmp_path: Path) -> None:
    assert_only_the_allowed_is_seen(tmp_path)


@isolated
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_users_command_sees_no_more() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                assert_only_the_allowed_is_seen(Path(folder))
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def assert_only_the_allowed_is_seen(tmp_path: Path) -> None:
    """Walk the whole file system in a sandbox: what can be read there must be on the list."""
    secret = tmp_path / "somebody else's"
    secret.mkdir()
    (secret / "note").write_text("secret")
    own, given = tmp_path / "wörk 1", tmp_path / "given"
    given.mkdir()
    (given / "a").write_text("a")
    walk = (
        "find / \\( -path /proc -o -path /usr -o -path /nix \\) -prune -o "
        "\\( -type f -readable -o -type s \\) -print0"
    )
    done = run(tmp_path, f"echo own > own; {walk}", visible=(given,), timeout=120)
    # The sandbox's own, not the machine's.
    hosts = Path("/etc/hosts")
    allowed = (*places.list_system_places(), Path("/dev"), hosts, own, given)
    roots = {str(path) for path in allowed} | {str(path.resolve()) for path in allowed}
    assert done.ending is Ending.EXITED
    found = {name for name in done.stdout.split("\0") if name}
    astray = {name for name in found if not any(_lies_in(name, root) for root in roots)}
    assert not astray
    assert {str(own / "own"), str(given / "a"), "/etc/passwd"} <= found
    assert not any(name.startswith(("/etc/shadow", "/etc/ssh", str(secret))) for name in found)


def _lies_in(name: str, root: str) -> bool:
    return name == root or name.startswith(f"{root.rstrip('/')}/")


@isolated
def test_no_lab_is_in_what_a_learners_command_sees(tmp_path: Path) -> None:
    lab = catalog.find_root() / "labs"
    script = f"cat '{lab}'/*/lab.yaml; cat '{Path(scaffolder.__file__).parent}'/catalog.py"
    done = run(tmp_path, f"{script}; find / -name lab.yaml -not -path '/proc/*' 2>/dev/null; true")
    assert done.stdout == ""


@isolated
@pytest.mark.parametrize("package", ["site-packages/scaffolder", "site-packages/pack"])
def test_where_devlab_is_installed_among_programs_its_packages_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    prefix = tmp_path / "prefix"
    solution = prefix / "lib" / package / "labs" / "solution"
    solution.mkdir(parents=True)
    (solution / "answer").write_text("42")
    (prefix / "lib" / "other").write_text("seen")
    packages = prefix / "lib" / "site-packages"
    system = (*places.list_system_places(), prefix)
    monkeypatch.setattr(places, "list_system_places", lambda: system)
    monkeypatch.setattr(places, "list_hidden_places", lambda: (packages,))
    inner = packages / "scaffolder-standins"
    inner.mkdir()
    (inner / "x").write_text("given")
    done = run(
        tmp_path,
        f"cat '{prefix}/lib/other' '{inner}/x'; find '{packages}' -type f; echo > '{packages}/y'",
        visible=(inner,),
    )
    assert done.stdout.startswith(f"seengiven{inner}/x\n")
    assert "answer" not in done.stdout
    assert not done.ok


@isolated
def test_links_that_lead_to_what_is_seen_are_there(tmp_path: Path) -> None:
    real = tmp_path / "versions" / "2"
    real.mkdir(parents=True)
    (real / "tool").write_text("#!/bin/sh\necho tool $0\n")
    (real / "tool").chmod(0o755)
    (tmp_path / "current").symlink_to("versions/2")
    (tmp_path / "tool").symlink_to(tmp_path / "current" / "tool")
    done = run(tmp_path, f"'{tmp_path}/tool'", visible=(tmp_path / "tool",))
    assert done.stdout == f"tool {tmp_path}/tool\n"


@isolated
def test_sockets_of_the_machine_are_out_of_reach(tmp_path: Path) -> None:
    """By path, in the abstract name space, and past a virtual machine: all of a user's servers."""
    name = f"/tmp/devlab-test-{os.getpid()}"
    attempt = (
        "import socket, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: socket.socket(socket.AF_UNIX).connect(name.replace('@', '\\0')); print(name)\n"
        "    except OSError: pass\n"
        "try: socket.socket(40); print('vsock')\n"
        "except OSError: pass\n"
    )
    with socket.socket(socket.AF_UNIX) as by_path, socket.socket(socket.AF_UNIX) as abstract:
        by_path.bind(str(tmp_path / "s"))
        abstract.bind("\0" + name)
        for each in (by_path, abstract):
            each.listen()
        script = f"/usr/bin/python3 -c \"$0\" '{tmp_path}/s' '@{name}'"
        done = run(tmp_path, script, argv=("sh", "-c", script, attempt))
    assert done.ok, done.stderr
    assert done.stdout == ""


@isolated
@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param("l.syscall({'x86_64': 250}.get(m, 219), 0, -3, 0)", id="keyring"),
        pytest.param(
            "l.syscall({'x86_64': 248}.get(m, 217), b'user', b'k', b'v', 1, -3)", id="key"
        ),
        pytest.param("l.klogctl(3, b' ' * 64, 64)", id="kernel-log"),
        pytest.param("l.syscall(425, 1, b' ' * 256)", id="io-uring"),
        pytest.param("l.ioctl(l.open(b'/dev/tty', 2), 0x5412, b'x')", id="terminal"),
        pytest.param("l.unshare(0x40000000)", id="network-of-its-own"),
    ],
)
def test_the_kernel_refuses_what_reaches_past_the_sandbox(tmp_path: Path, attempt: str) -> None:
    program = "import ctypes, os; l = ctypes.CDLL(None); m = os.uname().machine; print("
    done = run(tmp_path, f'/usr/bin/python3 -c "{program}{attempt})"')
    assert done.stdout == "-1\n", done.output


@isolated
def test_nothing_of_the_grader_is_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        done = run(tmp_path, "ls /proc/self/fd; env; cat /proc/1/environ; ls /sys /run /dev/shm")
    assert done.stdout.split()[:4] == ["0", "1", "2", "3"]
    assert "4" not in done.stdout.split()[:5]
    assert "XDG_RUNTIME_DIR" not in done.stdout


@isolated
def test_commands_share_nothing(tmp_path: Path) -> None:
    run(tmp_path, "touch /tmp/x /var/tmp/x /dev/shm/x ~/x $TMPDIR/y")
    done = run(tmp_path, "ls /tmp/x /var/tmp/x /dev/shm/x ~/x $TMPDIR/y 2>/dev/null; true")
    assert done.stdout == ""


@pytest.fixture(params=["walled", "plain"])
def wall(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a test run with bubblewrap, and without."""
    if request.param == "plain":
        monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is not installed")
    elif not sandbox.is_isolated():
        pytest.skip("bubblewrap does not work here")
    return str(request.param)


HEARS = "trap 'echo heard; exit 7' TERM; echo ready >&2; while :; do sleep 0.05; done"
DEAF = "echo ready; exec sleep 60"


def is_ready(line: str) -> bool:
    return line == "ready"


def test_a_signal_reaches_the_program_alone_and_its_code_is_told(tmp_path: Path, wall: str) -> None:
    sent = Interruption(15, at=is_ready)
    done = run(tmp_path, HEARS, interruption=sent, find_left=True)
    assert (done.returncode, done.stdout, done.signalled) == (7, "heard\n", True), done
    done = run(tmp_path, DEAF, interruption=sent)
    assert (done.returncode % 256, done.stderr) in ((143, ""), (256 - 15, ""))
    # What it started does not hear it, and goes on.
    script = "sleep 60 >/dev/null 2>&1 & echo ready; wait"
    done = run(tmp_path, script, interruption=sent, find_left=True)
    assert (done.left_behind, done.signalled) == (True, True)


def test_who_is_over_gets_no_signal(tmp_path: Path, wall: str) -> None:
    for plan in (Interruption(15, 5.0), Interruption(15, at=is_ready)):
        done = run(tmp_path, "echo done", interruption=plan, find_left=True)
        assert (done.returncode, done.stdout, done.signalled) == (0, "done\n", False)


def test_input_is_read_to_its_end(tmp_path: Path, wall: str) -> None:
    assert run(tmp_path, "wc -c", stdin=b"x" * 2**20).stdout.strip() == str(2**20)


@isolated
@pytest.mark.parametrize(
    "script",
    [
        "setsid sleep 60 >/dev/null 2>&1 & echo",
        "(setsid setsid sleep 60 >/dev/null 2>&1 &) ; echo",
        "sleep 60 & disown; echo",
    ],
)
def test_whatever_goes_on_is_found(tmp_path: Path, script: str) -> None:
    done = run(tmp_path, script, find_left=True)
    assert (done.stdout, done.left_behind) == ("\n", True)


@isolated
def test_who_looks_after_a_command_cannot_be_made_to_fail(tmp_path: Path) -> None:
    """The shell that stays is the work's own process: killed, it is no trouble of ours."""
    done = run(
        tmp_path, "for f in /proc/2/fd/*; do : > $f; done 2>/dev/null; exit 3", find_left=True
    )
    assert done.returncode == 3
    done = run(tmp_path, "kill -9 2; exit 3", find_left=True)
    assert done.returncode == 137
    done = run(tmp_path, "kill -9 2; exit 3", find_left=False)
    assert done.returncode == 137
