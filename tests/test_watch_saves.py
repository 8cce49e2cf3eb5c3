"""Which saves count, what they can change, and that none is missed."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from scaffolder.checks.kind import Kind
from scaffolder.model import CheckSpec, Lab, Task
from scaffolder.watch.saves import Changes, Watcher, find_touched_tasks, matters


class Narrow(Kind, frozen=True):
    pattern: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.pattern,)


class Looks(Kind, frozen=True):
    reads_history: ClassVar[bool] = True

    @property
    def reads(self) -> tuple[str, ...]:
        return ()


def task(name: str, kind: Kind, *needs: str) -> Task:
    return Task(name, name, 10, (CheckSpec(f"{name}-check", "test", kind, 60.0),), needs)


LAB = Lab(
    "tested",
    "1",
    "A lab",
    "",
    "",
    "",
    1,
    (),
    "tiny",
    (
        task("docker", Narrow(pattern="Dockerfile")),
        task("size", Narrow(pattern="Dockerfile.*"), "docker"),
        task("infra", Narrow(pattern="infra/*")),
        task("tests", Kind(), "infra"),
    ),
    Path("lab"),
)
ALL = {"docker", "size", "infra", "tests"}


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("Dockerfile", True),
        (".github/workflows/ci.yml", True),
        (".dockerignore", True),
        ("notes.tmp", True),
        ("näme with\nnewline", True),
        (".devlab/manifest.json", True),
        (".devlab/start.json", False),
        (".git/index", False),
        ("sub/.git/index", False),
        (".venv/lib/x.py", False),
        ("Node_Modules/x.js", False),
        ("app/__pycache__/x.cpython-313.pyc", False),
        (".ci.yml.swp", False),
        (".ci.yml.swx", False),
        ("app.py~", False),
        ("4913", False),
        (".#app.py", False),
        ("#app.py#", False),
        ("app.py___jb_tmp___", False),
        (".goutputstream-A1B2C3", False),
        ("app.py.tmp.4711.1700000000", False),
    ],
)
def test_what_counts_as_a_save(path: str, counts: bool) -> None:
    assert matters(Path(path)) is counts


@pytest.mark.parametrize(
    ("changes", "tasks"),
    [
        (Changes(("Dockerfile",)), {"docker", "size", "tests"}),
        (Changes(("infra/main.tf",)), {"infra", "tests"}),
        (Changes(("README.md",)), {"tests"}),
        (Changes(("infra",)), ALL),
        (Changes(("deleted",)), ALL),
        (Changes((".devlab/manifest.json",)), ALL),
        (Changes(lab=True), ALL),
        (Changes(unknown=True), ALL),
    ],
)
def test_what_a_save_can_change(tmp_path: Path, changes: Changes, tasks: set[str]) -> None:
    (tmp_path / ".devlab").mkdir()
    (tmp_path / "infra").mkdir()
    for name in ("Dockerfile", "infra/main.tf", "README.md", ".devlab/manifest.json"):
        (tmp_path / name).write_text("")
    assert find_touched_tasks(LAB, tmp_path, changes) == tasks


Seen = Callable[[], Changes]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / ".git").mkdir(parents=True)
    (tmp_path / "lab").mkdir()
    return root


@pytest.fixture
def seen(place: Path) -> Iterator[Seen]:
    """Watch a workspace and its lab; what is called waits for the next changes."""
    told: queue.Queue[Changes] = queue.Queue()
    watcher = Watcher(place, place.parent / "lab", told.put)
    watcher.start()
    # Something known is seen first, so that what follows is not seen by looking back.
    (place / "first").write_text("")
    while "first" not in (first := told.get(timeout=20)).paths and not first.unknown:
        pass
    yield lambda: told.get(timeout=20)
    watcher.stop()


def until(seen: Seen, wanted: Callable[[Changes], bool]) -> Changes:
    while not wanted(changes := seen()):
        pass
    return changes


def test_a_save_is_seen_with_its_path(place: Path, seen: Seen) -> None:
    (place / "a\nb").write_text("x")
    until(seen, lambda changes: "a\nb" in changes.paths)


def test_a_save_in_a_new_folder_is_one_of_the_folder(place: Path, seen: Seen) -> None:
    """The system may begin to watch a folder only after something was written into it."""
    (place / "sub").mkdir()
    (place / "sub" / "file").write_text("x")
    changes = until(seen, lambda changes: "sub" in changes.paths)
    assert find_touched_tasks(LAB, place, changes) == ALL


def test_an_atomic_save_is_one_of_its_target(place: Path, seen: Seen) -> None:
    draft = place / "draft-1"
    draft.write_text("x")
    draft.rename(place / "saved")
    changes = until(seen, lambda changes: "saved" in changes.paths)
    assert not changes.lab
    assert "draft-1" not in changes.paths


def test_what_git_and_editors_do_is_not_told(place: Path, seen: Seen) -> None:
    (place / ".git" / "index").write_text("x")
    (place / ".x.swp").write_text("x")
    (place / "real").write_text("x")
    while "real" not in (changes := seen()).paths:
        assert set(changes.paths) <= {"first"}
    assert set(changes.paths) <= {"first", "real"}


def test_a_change_of_the_lab_is_told_as_that(place: Path, seen: Seen) -> None:
    (place.parent / "lab" / "lab.yaml").write_text("x")
    assert until(seen, lambda changes: changes.lab).paths == ()


def test_a_thousand_files_are_few_saves(place: Path, seen: Seen) -> None:
    for number in range(1000):
        (place / f"f{number}").write_text("x")
    found: set[str] = set()
    batches = 0
    while len(found - {"first"}) < 1000:
        changes = seen()
        found |= set(changes.paths)
        batches += 1
    assert batches < 20


def test_a_workspace_that_is_made_again_is_watched_again(place: Path, seen: Seen) -> None:
    shutil.rmtree(place)
    until(seen, lambda changes: changes.unknown)
    place.mkdir()
    (place / "new").write_text("x")
    until(seen, lambda changes: changes.unknown or "new" in changes.paths)
    (place / "newer").write_text("x")
    until(seen, lambda changes: "newer" in changes.paths or changes.unknown)


def test_a_name_that_is_no_text_ends_nothing(place: Path, seen: Seen) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(place) + b"/\xff\xfe"))).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such name")
    until(seen, lambda changes: changes.unknown)
    (place / "after").write_text("x")
    until(seen, lambda changes: changes.unknown or "after" in changes.paths)


def test_what_is_saved_before_the_watching_has_begun_is_not_missed(place: Path) -> None:
    told: queue.Queue[Changes] = queue.Queue()
    watcher = Watcher(place, place.parent / "lab", told.put)
    watcher.start()
    (place / "early").write_text("x")
    changes = told.get(timeout=20)
    assert changes.unknown or "early" in changes.paths
    watcher.stop()


HISTORY = msgspec.structs.replace(LAB, tasks=(*LAB.tasks, task("merge", Looks(), "docker")))


@pytest.mark.parametrize(
    ("paths", "tasks"),
    [
        ((".git/refs/heads/main",), {"merge"}),
        ((".git/HEAD", ".git/packed-refs", ".git/refs/tags/v1"), {"merge"}),
        ((".git/refs/heads/main", "README.md"), {"merge", "tests"}),
        (("README.md",), {"tests"}),
        (("Dockerfile",), {"docker", "size", "tests", "merge"}),
    ],
)
def test_a_commit_concerns_the_checks_that_look_at_the_history(
    tmp_path: Path, paths: tuple[str, ...], tasks: set[str]
) -> None:
    for name in ("Dockerfile", "README.md"):
        (tmp_path / name).write_text("")
    assert find_touched_tasks(HISTORY, tmp_path, Changes(paths)) == tasks
    assert (HISTORY.reads_history, LAB.reads_history) == (True, False)


@pytest.mark.parametrize("history", [True, False])
def test_a_commit_is_seen_where_checks_look_at_the_history(place: Path, history: bool) -> None:
    told: queue.Queue[Changes] = queue.Queue()
    heads = place / ".git" / "refs" / "heads"
    heads.mkdir(parents=True)
    watcher = Watcher(place, place.parent / "lab", told.put, history=history)
    watcher.start()
    seen: list[str] = []
    try:
        (place / "first").write_text("")
        while "first" not in (first := told.get(timeout=20)).paths and not first.unknown:
            pass
        (place / ".git" / "index").write_text("")
        (heads / "main.lock").write_text("1\n")
        (heads / "main.lock").rename(heads / "main")
        (place / "last").write_text("")
        while "last" not in seen:
            seen += told.get(timeout=20).paths
    finally:
        watcher.stop()
    assert (".git/refs/heads/main" in seen) is history
    assert {path for path in seen if path.startswith(".git")} <= {".git/refs/heads/main"}
