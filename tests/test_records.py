"""What a learner did is kept, whatever happens to the file; and no check depends on it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scaffolder.core import paths
from scaffolder.model import CheckResult, Finding, Lab, Outcome, Report, Task, TaskResult, Verdict
from scaffolder.progress import records
from scaffolder.progress.records import entries, schema, store, telling
from scaffolder.progress.standing import WorkspaceRecord
from scaffolder.workspace import Manifest, ManifestLab, Workspace


@pytest.fixture(autouse=True)
def _own_records(own_home: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(telling, "_said", set())
    telling.take()
    yield
    telling.take()


def a_lab(*points: int) -> Lab:
    tasks = tuple(
        Task(id=f"task-{number}", title="A task", points=worth, checks=())
        for number, worth in enumerate(points or (10, 30))
    )
    return Lab(
        id="tested",
        version="1",
        title="A lab",
        summary="",
        track="tests",
        level="beginner",
        minutes=1,
        skills=("testing",),
        template="tiny",
        tasks=tasks,
        root=Path("nowhere"),
    )


def a_workspace(root: Path, lab: str = "tested") -> Workspace:
    return Workspace(root, Manifest(lab=ManifestLab(lab, "1"), context={}))


def a_report(lab: Lab, *passing: str) -> Report:
    def result(task: Task) -> TaskResult:
        outcome = Outcome.PASS if task.id in passing else Outcome.FAIL
        verdict = Verdict(outcome, "as told", (Finding("look", path="app.py", line=3, rule="R"),))
        checks = (CheckResult("c", "test.ends", verdict, 0.1),)
        return TaskResult(task.id, task.title, task.points, outcome, checks)

    return Report("tested", "1", "A lab", "w", tuple(map(result, lab.tasks)), 1.0)


def noted(tmp_path: Path, *passing: str) -> Workspace:
    workspace = a_workspace(tmp_path)
    records.note_report(workspace, a_lab(), a_report(a_lab(), *passing))
    return workspace


def only_workspace() -> WorkspaceRecord:
    (found,) = records.read_all().workspaces
    return found


def test_nothing_is_known_and_nothing_is_made_before_something_happens(tmp_path: Path) -> None:
    workspace = a_workspace(tmp_path)
    assert records.read_last_report(workspace) is None
    assert records.count_used_hints(workspace) == {}
    assert records.read_all().workspaces == ()
    assert not store.find_file().exists()
    assert records.take_notices() == ()


def test_the_last_report_comes_back_as_it_was_with_its_time(tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    workspace = noted(tmp_path, "task-0")
    found = records.read_last_report(workspace)
    assert found is not None
    assert before <= found.when <= datetime.now(UTC)
    assert found.tasks == a_report(a_lab(), "task-0").tasks
    assert found.score.earned == 10
    assert records.read_last_report(a_workspace(tmp_path, lab="another")) is None
    assert records.read_last_report(a_workspace(tmp_path / "other")) is None


def test_attempts_the_best_score_and_the_first_pass_are_kept(tmp_path: Path) -> None:
    noted(tmp_path, "task-0", "task-1")
    first = only_workspace()
    noted(tmp_path)
    found = only_workspace()
    assert (found.attempts, found.best, found.best_of) == (2, 40, 40)
    assert found.passed == first.passed
    assert found.passed["task-1"].points == 30
    last = records.read_last_report(a_workspace(tmp_path))
    assert last is not None
    assert last.score.earned == 0


def test_a_run_of_one_task_does_not_lower_the_best_score(tmp_path: Path) -> None:
    workspace = noted(tmp_path, "task-1")
    part = a_report(a_lab(10), "task-0")
    records.note_report(workspace, a_lab(), part)
    found = only_workspace()
    assert (found.best, found.best_of) == (30, 40)
    assert set(found.passed) == {"task-0", "task-1"}


def test_each_hint_counts_once(tmp_path: Path) -> None:
    workspace = a_workspace(tmp_path)
    for number in (1, 1, 3):
        records.use_hint(workspace, "task-0", number)
    records.use_hint(workspace, "task-1", 1)
    assert records.count_used_hints(workspace) == {"task-0": 2, "task-1": 1}
    assert only_workspace().attempts == 0


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from scaffolder.progress import records
    from tests.test_records import a_lab, a_report, a_workspace

    root, name, turns = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(turns):
        records.note_report(a_workspace(root), a_lab(), a_report(a_lab(), "task-0"))
        records.use_hint(a_workspace(root), name, turn + 1)
    print(*records.take_notices())
    """
)


def write_at_once(tmp_path: Path, turns: int) -> list[str]:
    """Let five processes write side by side; return what each of them had to tell."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), f"hints-{number}", str(turns)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        for number in range(5)
    ]
    # They wait for a word, so that none is done before another has begun.
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return [writer.communicate()[0].strip() for writer in writers]


@pytest.mark.parametrize("begun", ["there is no file", "a file", "a damaged file"])
def test_processes_that_write_at_once_lose_nothing(tmp_path: Path, begun: str) -> None:
    """The first of them makes the file, or sets it aside; which one is first is not known."""
    if begun != "there is no file":
        records.use_hint(a_workspace(tmp_path), "hints-0", 1)
    if begun == "a damaged file":
        os.truncate(store.find_file(), 5000)
    told = "".join(write_at_once(tmp_path, 12))
    assert told.count("begun afresh") == (begun == "a damaged file")
    assert len(list(store.find_file().parent.glob("progress.damaged-*"))) == (
        begun == "a damaged file"
    )
    found = only_workspace()
    assert found.attempts == 5 * 12
    assert found.hints == {f"hints-{number}": 12 for number in range(5)}


DAMAGES = {
    "no database": lambda path: path.write_bytes(b"these are words, " * 500),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "one page": lambda path: os.truncate(path, 4096),
    "garbled": lambda path: path.write_bytes(path.read_bytes()[:4096] + os.urandom(40_000)),
    "a table is missing": lambda path: sqlite3.connect(path).execute("DROP TABLE passed").close(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("first", ["read", "write"])
def test_a_damaged_file_is_kept_aside_and_a_fresh_one_begun(
    tmp_path: Path, damage: str, first: str
) -> None:
    workspace = noted(tmp_path, "task-0")
    DAMAGES[damage](store.find_file())
    broken = store.find_file().read_bytes()
    if first == "read":
        assert records.read_last_report(workspace) is None
    noted(tmp_path, "task-1")
    (aside,) = store.find_file().parent.glob("progress.damaged-*.db")
    assert aside.read_bytes() == broken
    assert set(only_workspace().passed) == {"task-1"}
    (told,) = records.take_notices()
    assert str(aside) in told


def test_two_damaged_files_are_both_kept(tmp_path: Path) -> None:
    for words in (b"one" * 999, b"two" * 999):
        store.find_file().parent.mkdir(parents=True, exist_ok=True)
        store.find_file().write_bytes(words)
        noted(tmp_path)
    kept = {path.read_bytes() for path in store.find_file().parent.glob("progress.damaged-*.db")}
    assert kept == {b"one" * 999, b"two" * 999}


def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    store.find_file().parent.mkdir(parents=True)
    store.find_file().touch()
    assert records.read_last_report(a_workspace(tmp_path)) is None
    noted(tmp_path, "task-0")
    assert set(only_workspace().passed) == {"task-0"}
    assert records.take_notices() == ()


def test_an_older_file_is_brought_up_to_date_and_keeps_what_it_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(tmp_path, "task-0")
    step = ("ALTER TABLE workspace ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    assert set(only_workspace().passed) == {"task-0"}
    database = sqlite3.connect(store.find_file())
    assert database.execute("SELECT mood FROM workspace").fetchone() == ("fine",)
    assert database.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    database.close()
    noted(tmp_path, "task-1")
    assert set(only_workspace().passed) == {"task-0", "task-1"}


def test_a_read_only_file_that_is_older_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = noted(tmp_path, "task-0")
    before = store.find_file().read_bytes()
    monkeypatch.setattr(schema, "TABLES", schema.TABLES | {"mood"})
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE mood (m)",)))
    opened = sqlite3.connect

    def reading_only(name: str, **options: object) -> sqlite3.Connection:
        return opened(name.replace("mode=rw", "mode=ro"), **options)  # type: ignore[call-overload, no-any-return]

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", reading_only)
        assert records.read_last_report(workspace) is not None
        noted(tmp_path, "task-1")
    assert store.find_file().read_bytes() == before
    assert "cannot be used" in " ".join(records.take_notices())


def make_newer(statement: str) -> bytes:
    database = sqlite3.connect(store.find_file(), isolation_level=None)
    database.execute(statement)
    database.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 7}")
    database.close()
    return store.find_file().read_bytes()


def test_of_a_newer_file_is_read_what_can_be_and_nothing_is_written(tmp_path: Path) -> None:
    workspace = noted(tmp_path, "task-0")
    newer = make_newer("ALTER TABLE passed ADD COLUMN mood TEXT")
    assert set(only_workspace().passed) == {"task-0"}
    assert records.read_last_report(workspace) is not None
    assert records.read_last_report(workspace) is not None
    told = records.take_notices()
    assert len(told) == 1
    assert "newer devlab" in told[0]
    noted(tmp_path, "task-1")
    assert "upgrade" in " ".join(records.take_notices())
    assert store.find_file().read_bytes() == newer


def test_what_cannot_be_read_of_a_newer_file_is_missing_and_nothing_else(tmp_path: Path) -> None:
    workspace = noted(tmp_path, "task-0")
    newer = make_newer("DROP TABLE hint")
    assert records.count_used_hints(workspace) == {}
    assert records.read_last_report(workspace) is not None
    assert store.find_file().read_bytes() == newer


def test_a_report_that_another_version_described_is_none(tmp_path: Path) -> None:
    workspace = noted(tmp_path)
    database = sqlite3.connect(store.find_file(), isolation_level=None)
    database.execute("""UPDATE workspace SET report = '{"other": []}'""")
    database.close()
    assert records.read_last_report(workspace) is None
    assert records.take_notices() == ()


OBSTACLES = {
    "no folder can be made": lambda data: (data.parent.mkdir(parents=True), data.touch()),
    "a folder in its place": lambda data: (data / "progress.db").mkdir(parents=True),
    "a pipe in its place": lambda data: (data.mkdir(parents=True), os.mkfifo(data / "progress.db")),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_where_nothing_can_be_kept_devlab_works_without_and_says_so_once(
    tmp_path: Path, obstacle: str
) -> None:
    OBSTACLES[obstacle](paths.find_data_folder())
    workspace = noted(tmp_path)
    noted(tmp_path)
    assert records.read_last_report(workspace) is None
    told = records.take_notices()
    assert told
    assert len(told) == len(set(told))
    assert "cannot be used" in told[0]
    assert records.take_notices() == ()


def test_what_fails_without_a_word_of_ours_is_told_for_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    workspace = noted(tmp_path)
    monkeypatch.setattr(store, "read", broken)
    monkeypatch.setattr(store, "write", broken)
    assert records.read_last_report(workspace) is None
    assert records.take_notices() == ("what you did before cannot be read: RuntimeError",)
    records.use_hint(workspace, "task-0", 1)
    assert records.take_notices() == ("what you did is not kept: RuntimeError",)


def test_a_full_disk_loses_this_entry_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted(tmp_path, "task-0")
    opened = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        database: sqlite3.Connection = opened(*arguments, **options)  # type: ignore[call-overload]
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", small)
        workspace = a_workspace(tmp_path)
        for number in range(1, 2000):
            records.use_hint(workspace, "x" * 200, number)
            if told := records.take_notices():
                break
    assert "full" in told[0]
    noted(tmp_path, "task-1")
    assert set(only_workspace().passed) == {"task-0", "task-1"}


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    noted(tmp_path)
    assert store.find_file().stat().st_mode & 0o077 == 0


def test_in_a_read_only_home_what_was_kept_is_read_and_nothing_is_added(tmp_path: Path) -> None:
    workspace = noted(tmp_path, "task-0")
    store.find_file().chmod(0o400)
    paths.find_data_folder().chmod(0o500)
    if os.access(store.find_file(), os.W_OK):
        pytest.skip("root writes where nobody may")
    try:
        noted(tmp_path, "task-1")
        (told,) = records.take_notices()
        assert "cannot be used" in told
        assert records.read_last_report(workspace) is not None
        assert set(only_workspace().passed) == {"task-0"}
    finally:
        paths.find_data_folder().chmod(0o700)


def test_every_time_that_is_kept_can_be_read_again() -> None:
    for year in (1, 999, 1970, 2026, 9999):
        when = datetime(year, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
        assert entries.parse_time(entries.format_time(when)) == when.replace(microsecond=0)
