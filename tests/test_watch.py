"""`devlab watch` at a real terminal, and without one."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffolder.labs.catalog import load_lab
from scaffolder.labs.generate import create_workspace
from scaffolder.model import Lab, Outcome, Report
from scaffolder.report.live.watch import Watch
from scaffolder.report.live.watch_screen import Frame
from scaffolder.watch import Keyboard, run_loop
from tests.support.command import Devlab, shell
from tests.support.labs import Catalog, task
from tests.support.packs import write_lab
from tests.support.screen import DEVLAB, PATIENCE, Terminal

TASKS = """\
  - id: lints
    title: Its Dockerfile is clean
    points: 40
    hints: [look at line 2, it is a tag that is missing]
    checks: [{id: hadolint, kind: dockerfile.lint}]
  - id: is-quick
    title: Its speed is right
    points: 60
    hints: [a nudge]
    checks: [{id: tested, kind: pytest, file: tests/test_speed.py}]
"""
SPEED = """\
import time

def test_speed(workspace):
    speed = (workspace / "speed").read_text().strip()
    if speed == "slow":
        time.sleep(3600)
    assert speed == "quick", f"the speed is {speed}"
"""
WRONG, RIGHT = "FROM python\nUSER 1000\n", "FROM python:3.13\nUSER 1000\n"


class Place:
    """A lab of an author's, a workspace of it, and everything that devlab may write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.lab = write_lab(folder / "pack", tasks=TASKS)
        (self.lab / "tests").mkdir()
        (self.lab / "tests" / "test_speed.py").write_text(SPEED)
        (self.lab / "start" / "Dockerfile").write_text(WRONG)
        (self.lab / "start" / "speed").write_text("lame\n")
        (self.lab / "solution" / "Dockerfile").write_text(RIGHT)
        (self.lab / "solution" / "speed").write_text("quick\n")
        self.work = folder / "work"
        made = shell("new", "pack/first", "work", "--no-input", cwd=folder, env=self.env)
        assert made.wait() == 0, made.communicate()
        self.open: list[Terminal] = []

    @property
    def env(self) -> dict[str, str]:
        own = {name: str(self.folder / name) for name in ("data", "state", "cache")}
        return {
            "DEVLAB_LABS": str(self.folder / "pack"),
            "TMPDIR": str(self.temporary),
            **{f"XDG_{name.upper()}_HOME": path for name, path in own.items()},
        }

    def watch(self, columns: int = 80, rows: int = 24, **env: str) -> Terminal:
        return self.terminal(*DEVLAB, "watch", columns=columns, rows=rows, **env)

    def terminal(self, *argv: str, columns: int = 80, rows: int = 24, **env: str) -> Terminal:
        opened = Terminal(*argv, cwd=self.work, env={**self.env, **env}, columns=columns, rows=rows)
        self.open.append(opened)
        return opened

    def save(self, **files: str) -> None:
        """Save files as editors do: whole, in one moment, under a name that does not count."""
        for name, text in files.items():
            draft = self.work / f".goutputstream-{name}"
            draft.write_text(text)
            draft.replace(self.work / name)

    def left(self) -> list[Path]:
        return list(self.temporary.glob("devlab-*/*-*"))


# While something runs, nobody knows yet what the code will be.
IDLE = "waiting for a save"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for terminal in made.open:
        terminal.process.close(force=True)


def has(*words: str) -> Callable[[str], bool]:
    return lambda text: all(word in text for word in words)


def test_from_red_to_green_by_saving(place: Place) -> None:
    watch = place.watch()
    watch.until(has("0 of 100 points", "✗ lints", "✗ is-quick", "Dockerfile:1", "DL3006"))
    place.save(Dockerfile=RIGHT)
    watch.until(has("40 of 100 points", "✓ lints", "the speed is lame", "saved: Dockerfile"))
    place.save(speed="quick")
    watch.until(has("100 of 100 points", "Everything passes", IDLE))
    watch.press("q")
    assert watch.end() == 0
    assert watch.restored
    assert watch.sent.rstrip().endswith(b"100 of 100 points")
    assert not place.left()


def test_q_ends_with_the_code_of_the_check(place: Place) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    watch.press("q")
    assert watch.end() == 1


def test_a_save_cancels_what_is_slow_and_quick_checks_do_not_wait(place: Place) -> None:
    place.save(speed="slow")
    watch = place.watch()
    watch.until(has("✗ lints", "▸ is-quick", "tested"))
    assert len(place.left()) == 1
    place.save(Dockerfile=RIGHT)
    watch.until(has("✓ lints", "▸ is-quick"))
    place.save(speed="quick")
    watch.until(has("100 of 100 points", IDLE))
    watch.press("q")
    assert watch.end() == 0
    assert not place.left()


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "Ctrl-\\"])
def test_however_it_is_ended_the_terminal_is_given_back_and_nothing_is_left(
    place: Place, how: str
) -> None:
    place.save(speed="slow")
    watch = place.watch()
    watch.until("▸ is-quick")
    if how == "SIGTERM":
        watch.process.kill(signal.SIGTERM)
    else:
        watch.press("\x03" if how == "Ctrl-C" else "\x1c")
    assert watch.end() == 130
    assert watch.restored
    assert b"Traceback" not in watch.sent
    assert not place.left()


def test_a_terminal_that_is_closed_ends_it_and_leaves_nothing(place: Place) -> None:
    place.save(speed="slow")
    watch = place.watch()
    watch.until("▸ is-quick")
    watch.process.close(force=False)
    deadline = time.monotonic() + PATIENCE
    while place.left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not place.left()


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(place: Place) -> None:
    bash = place.terminal("bash", "--norc", "--noprofile", "-i", PS1="prompt> ")
    bash.until("prompt>")
    bash.press(f"{shlex.join(DEVLAB)} watch\n")
    bash.until("0 of 100 points")
    bash.press("\x1a")
    bash.until(has("Stopped", "prompt>"))
    assert bash.restored
    bash.press("stty -a | tr ';' '\\n' | grep -w -e echo -e icanon\n")
    bash.until(lambda text: " echo " in f" {text} " and "-echo " not in text)
    # What is saved meanwhile is seen afterwards.
    place.save(Dockerfile=RIGHT)
    bash.press("fg\n")
    bash.until(has("40 of 100 points", "✓ lints"))
    place.save(speed="quick")
    bash.until(has("100 of 100 points", IDLE))
    bash.press("q")
    bash.until("prompt>")
    assert bash.restored


def test_keys_for_hints_solution_and_help(place: Place) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    watch.press("h")
    watch.until(has("hint 1 of 2", "look at line 2"))
    watch.press("h")
    watch.until(has("hint 2 of 2", "a tag that is missing"))
    watch.press("h")
    watch.until(has("no further hint", "hint 1 of 2: look at line 2"))
    watch.press("n")
    watch.until(lambda text: "the speed is lame" in text and "further hint" not in text)
    watch.press("?")
    watch.until("the next failing task")
    watch.press("\x1b")
    watch.until("the speed is lame")
    watch.press("s")
    watch.until("It does not pass yet")
    watch.press("y")
    watch.until(has("-lame", "+quick"))
    watch.press("q")
    assert watch.end() == 1


def test_a_file_is_reset_after_its_difference_was_shown(place: Place) -> None:
    place.save(Dockerfile=RIGHT, speed="mine\n")
    watch = place.watch()
    watch.until("40 of 100 points")
    watch.press("r")
    watch.until(has("> Dockerfile", "  speed"))
    watch.press("\x1b[B\n")
    watch.until(has("-mine", "+lame", "y  yes"))
    watch.press("n")
    watch.until("the speed is mine")
    watch.press("r")
    watch.until("> Dockerfile")
    watch.press("j\r")
    watch.until("y  yes")
    watch.press("y")
    watch.until("is as it began")
    watch.press("\x1b")
    watch.until("the speed is lame")
    assert (place.work / "speed").read_text() == "lame\n"
    assert [path.read_text() for path in place.work.glob(".devlab/**/speed")] == ["mine\n"]
    watch.press("q")
    watch.end()


@pytest.mark.parametrize(("columns", "rows"), [(100, 40), (50, 20), (30, 12), (12, 4)])
def test_it_is_drawn_anew_when_the_size_changes(place: Place, columns: int, rows: int) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    watch.resize(columns, rows)
    watch.until(lambda text: "0 of 100" in text.splitlines()[0] and "h" in text.splitlines()[-1])
    watch.resize(80, 24)
    watch.until(has("✗ lints  ", "DL3006", "q quit"))
    watch.press("q")
    assert watch.end() == 1


def test_a_manifest_that_breaks_is_told_and_mended(place: Place) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    manifest = place.work / ".devlab" / "manifest.json"
    good = manifest.read_text()
    manifest.write_text("{")
    watch.until(has("cannot check", "not a devlab manifest", "git checkout -- .devlab"))
    manifest.write_text(good)
    watch.until("0 of 100 points")
    watch.press("q")
    assert watch.end() == 1


def test_a_workspace_that_goes_and_comes_back(place: Place) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    away = place.folder / "away"
    place.work.rename(away)
    watch.until("is gone")
    shutil.copytree(away, place.work)
    watch.until("0 of 100 points")
    place.save(Dockerfile=RIGHT)
    watch.until("40 of 100 points")
    watch.press("q")
    assert watch.end() == 1


def test_a_lab_that_changes_is_read_again(place: Place) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    file = place.lab / "lab.yaml"
    good = file.read_text()
    file.write_text(good.replace("Its speed", "nope: ["))
    # Of the message a word that no width of the screen can break, as it can the path before it.
    watch.until(has("cannot check", "YAML"))
    file.write_text(good.replace("Its speed is right", "It races").replace("A lab for", "Labs of"))
    watch.until(has("Labs of tests", "It races", "0 of 100 points"))
    watch.press("q")
    assert watch.end() == 1


def test_names_and_links_of_a_learner_do_no_harm(place: Place) -> None:
    watch = place.watch()
    watch.until("0 of 100 points")
    name = "a\x1b]0;title\x07\n\x1b[2Jb"
    (place.work / name).write_text("x")
    watch.until(has("saved: a\\x1b]0;title\\x07\\n\\x1b[2Jb"))
    (place.work / "outside").symlink_to("/etc/passwd")
    os.mkfifo(place.work / "pipe")
    place.save(Dockerfile=RIGHT)
    watch.until(has("40 of 100 points"))
    watch.press("q")
    assert watch.end() == 1
    assert b"\x1b]0;" not in watch.sent


def test_no_colour_where_none_is_wanted(place: Place) -> None:
    watch = place.watch(NO_COLOR="1")
    watch.until("✗ lints")
    watch.press("q")
    watch.end()
    assert not any(f"\x1b[{code}m".encode() in watch.sent for code in (31, 32, 33, 36))


def test_a_terminal_without_utf_8_shows_letters(place: Place) -> None:
    watch = place.watch(PYTHONIOENCODING="ascii")
    watch.until(has("FAIL lints", "0 of 100 points"))
    watch.press("q")
    watch.end()
    watch.sent.decode("ascii")


def test_without_a_terminal_it_prints_lines_until_it_is_ended(place: Place) -> None:
    process = shell("watch", cwd=place.work, env=place.env)
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert next(line for line in lines if " of 100" in line).startswith("0 of 100 points")
    place.save(Dockerfile=RIGHT)
    assert "saved: Dockerfile\n" in lines
    assert next(line for line in lines if " of 100" in line).startswith("40 of 100 points")
    process.send_signal(signal.SIGTERM)
    rest, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "watching" in err
    assert "\x1b" not in rest + err
    assert "Traceback" not in err
    assert not place.left()


def test_wrong_usage(devlab: Devlab, tmp_path: Path) -> None:
    assert devlab("watch", tmp_path).code == 2
    assert "not in a devlab workspace" in devlab("watch", tmp_path).err
    assert devlab("watch", tmp_path / "nowhere").code == 2


class Breaks:
    """A front that cannot show anything."""

    def __init__(self) -> None:
        self.taken = False

    def take(self) -> None:
        self.taken = True

    def give_back(self) -> None:
        self.taken = False

    def show(self, watch: Watch, now: float) -> Frame:
        raise RuntimeError("no")


def is_anew(report: Report) -> bool:
    return not any(check.cached for result in report.tasks for check in result.checks)


class AsksAgain(Breaks):
    """A front that asks for everything anew at each new report, and quits when two were anew.

    What the system tells late of files that were written before has the same found again, as known:
    then it asks once more.
    """

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle
        self.reports: list[Report] = []

    def show(self, watch: Watch, now: float) -> Frame:
        # The same one is shown again before the key that it was answered with is read.
        new = not any(watch.report is one for one in self.reports)
        if not watch.active and watch.report is not None and new:
            self.reports.append(watch.report)
            enough = sum(map(is_anew, self.reports)) == 2 or len(self.reports) == 6
            os.write(self._handle, b"q" if enough else b"a")
        return Frame((), 10, 0)


@pytest.fixture
def begun(catalog: Catalog, tmp_path: Path) -> tuple[Path, Lab]:
    catalog.lab(task("a") + task("b", "fail"))
    lab = load_lab("tested")
    create_workspace(lab, {}, tmp_path / "work")
    return tmp_path / "work", lab


def test_an_exception_gives_the_terminal_back(begun: tuple[Path, Lab]) -> None:
    _, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    handlers = [signal.getsignal(one) for one in (signal.SIGTSTP, signal.SIGWINCH)]
    front = Breaks()
    with pytest.raises(RuntimeError, match="no"):
        run_loop(*begun, front, Keyboard(theirs))
    assert termios.tcgetattr(theirs) == before
    assert not front.taken
    assert [signal.getsignal(one) for one in (signal.SIGTSTP, signal.SIGWINCH)] == handlers


def test_a_asks_every_check_again(begun: tuple[Path, Lab]) -> None:
    ours, theirs = pty.openpty()
    front = AsksAgain(ours)
    end = run_loop(*begun, front, Keyboard(theirs))
    assert end.outcome is Outcome.FAIL
    assert sum(map(is_anew, front.reports)) == 2
