"""`devlab reset` and `update` in folders that mean harm: nothing is written elsewhere, or lost."""

from __future__ import annotations

import os
import queue
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scaffolder.core.errors import DevlabError
from scaffolder.labs import catalog as labs
from scaffolder.report.live.watch import Page, ResetFile, Shown
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken
from scaffolder.watch.desk import Desk
from scaffolder.workspace import read_manifest, starts
from scaffolder.workspace.trees import Entry, EntryKind
from tests.support.command import Devlab, Said
from tests.support.labs import Catalog
from tests.support.versions import Releases, held, put

START = {"Dockerfile": "FROM scratch\n", "app/one.py": "one = 1\n"}


@pytest.fixture
def work(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    """Return a workspace in which a learner changed a file."""
    Releases(catalog).release("1", START)
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    put(folder, {"Dockerfile": "FROM mine\n"})
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder that is nobody's business, with a file in it."""
    put(tmp_path / "outside", {"files/Dockerfile": "precious\n"})
    return tmp_path / "outside"


@pytest.mark.parametrize("name", [".draft", ".draft-file", ".gitignore"])
@pytest.mark.parametrize("there", ["folder", "nothing", "own folder"])
def test_nothing_is_backed_up_elsewhere(
    devlab: Devlab, work: Path, outside: Path, name: str, there: str
) -> None:
    shelf = work / ".devlab/backups"
    shelf.mkdir()
    if there == "own folder":
        put(shelf / name, {"x": "y"})
    else:
        (shelf / name).symlink_to(outside if there == "folder" else outside / "nothing")
    before = held(outside)
    said = devlab("reset", "--yes", cwd=work)
    assert held(outside) == before
    if said.code == 0:
        (kept,) = (one for one in shelf.iterdir() if one.name.endswith("-reset"))
        assert not kept.is_symlink()
        assert (kept / "files/Dockerfile").read_text() == "FROM mine\n"
    else:
        assert "nothing was changed" in said.err
        assert (work / "Dockerfile").read_text() == "FROM mine\n"


def test_what_is_kept_is_for_nobody_else_to_read(devlab: Devlab, work: Path) -> None:
    (work / "Dockerfile").chmod(0o600)
    assert devlab("reset", "--yes", cwd=work).code == 0
    assert (work / ".devlab/backups").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("leads", ["outside", "\0", ""])
def test_a_start_of_somebody_elses_leads_nowhere(
    devlab: Devlab, work: Path, outside: Path, leads: str
) -> None:
    target = os.fsencode(outside) if leads == "outside" else leads.encode()
    tree = {"a": Entry(target, EntryKind.LINK), "a/files/Dockerfile": Entry(b"theirs")}
    record = starts.encode(read_manifest(work).lab, tree)
    (work / starts.RECORD).write_bytes(record)
    before = held(outside)
    said = devlab("reset", "--yes", cwd=work)
    assert held(outside) == before
    assert "should not" not in said.err
    # What git's first commit says is the start then.
    assert (work / "Dockerfile").read_text() == START["Dockerfile"]


def test_a_backup_is_read_from_its_own_folder(devlab: Devlab, work: Path, outside: Path) -> None:
    assert devlab("reset", "--yes", cwd=work).code == 0
    (kept,) = (work / ".devlab/backups").glob("*-reset")
    (kept / "files").rename(work / "moved")
    (kept / "files").symlink_to(outside / "files")
    said = devlab("reset", "--restore", kept.name, "--yes", cwd=work)
    assert (said.code, (work / "Dockerfile").read_text()) == (2, START["Dockerfile"])
    assert "is missing in it" in said.err


def test_a_folder_at_the_place_of_a_draft_stops_nothing(devlab: Devlab, work: Path) -> None:
    put(work, {".devlab/draft/x": "y"})
    said = devlab("reset", "--yes", cwd=work)
    assert said.code == 0, said.err
    assert (work / "Dockerfile").read_text() == START["Dockerfile"]


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch, place: Path) -> Iterator[None]:
    """Let nothing be put at one place."""
    move = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target == place:
            raise PermissionError(13, "Permission denied", str(self), None, str(target))
        return move(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        yield


@pytest.fixture
def half_done(devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Return what a reset said that a disk stopped between two files."""
    put(work, {"app/one.py": "mine\n"})
    with refusing(monkeypatch, work / "app/one.py"):
        said = devlab("reset", "--yes", cwd=work)
    assert (work / "Dockerfile").read_text() == START["Dockerfile"]
    return said


def test_a_disk_that_refuses_is_told_and_the_next_run_puts_back(
    devlab: Devlab, work: Path, half_done: Said
) -> None:
    assert half_done.code == 2
    assert "app/one.py cannot be written: Permission denied" in half_done.err
    assert "should not" not in half_done.err
    said = devlab("reset", "--yes", "app", cwd=work)
    assert "stopped half-way" in said.err
    assert (work / "Dockerfile").read_text() == "FROM mine\n"
    assert (work / "app/one.py").read_text() == START["app/one.py"]
    assert not (work / ".devlab/unfinished").exists()


@pytest.mark.usefixtures("half_done")
@pytest.mark.parametrize("stopped_again", [False, True])
def test_what_was_done_since_a_change_stopped_is_named_and_can_be_had_again(
    devlab: Devlab, work: Path, monkeypatch: pytest.MonkeyPatch, stopped_again: bool
) -> None:
    put(work, {"Dockerfile": "FROM since\n"})
    if stopped_again:
        with refusing(monkeypatch, work / ".devlab/unfinished"):
            assert devlab("reset", cwd=work).code == 2
        with refusing(monkeypatch, work / "Dockerfile"):
            assert devlab("reset", cwd=work).code == 2
        put(work, {"Dockerfile": "FROM later\n"})
    said = devlab("reset", cwd=work)
    assert (work / "Dockerfile").read_text() == "FROM mine\n"
    assert "stopped half-way" in said.err
    name = said.err.split("devlab reset --restore ")[1].split()[0]
    assert f".devlab/backups/{name}\n" in said.err
    assert devlab("reset", "--restore", name, "--yes", cwd=work).code == 0
    assert (work / "Dockerfile").read_text() == "FROM since\n"


@pytest.mark.usefixtures("half_done")
def test_a_change_that_stopped_half_way_is_not_taken_for_the_learners(
    devlab: Devlab, work: Path
) -> None:
    before = held(work)
    lab = labs.load_lab("tested", graded=False)
    pages: queue.SimpleQueue[Shown] = queue.SimpleQueue()
    desk = Desk(work, pages.put)
    desk.ask(lab, ResetFile("app/one.py"))
    page = pages.get(timeout=30).page
    desk.close()
    assert isinstance(page, Page)
    assert "stopped half-way; nothing was touched" in page.title
    assert "devlab reset" in page.text
    assert held(work) == before
    devlab("reset", cwd=work)
    assert (work / "Dockerfile").read_text() == "FROM mine\n"


def test_a_marker_of_an_unknown_backup_says_what_to_do(devlab: Devlab, work: Path) -> None:
    (work / ".devlab/unfinished").write_text("../../x\x1b[2J\n")
    said = devlab("reset", "--yes", cwd=work)
    assert said.code == 2
    assert "delete .devlab/unfinished" in said.err
    assert "\x1b" not in said.err


def test_a_pipe_is_named(devlab: Devlab, work: Path) -> None:
    (work / "Dockerfile").unlink()
    os.mkfifo(work / "Dockerfile")
    assert "error: Dockerfile is neither" in devlab("reset", "--yes", cwd=work).err


@pytest.mark.parametrize(
    "attributes", ["* conflict-marker-size=20\n", "* merge=union\n", "*.py binary\n"]
)
def test_attributes_hide_no_conflict(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, attributes: str
) -> None:
    releases = Releases(catalog)
    releases.release("1", {"a.py": "one\n"})
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    put(folder, {"a.py": "mine\n", ".gitattributes": attributes})
    releases.release("2", {"a.py": "theirs\n"})
    said = devlab("update", cwd=folder)
    assert (said.code, "CONFLICT  a.py:1\n" in said.out) == (1, True)
    assert (folder / "a.py").read_text().startswith("<<<<<<< yours\nmine\n")


def test_settings_of_a_repository_fetch_nothing(tmp_path: Path) -> None:
    folder, other, proof = tmp_path / "work", tmp_path / "other", tmp_path / "ran"
    put(folder, {"a": "1"})
    git.commit_all(folder, "first", cancel=CancelToken())
    (first,) = git.list_first_commits(folder, cancel=CancelToken())

    def run(*arguments: str | Path) -> None:
        subprocess.run(["git", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

    run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "second")
    run("init", "--bare", other)
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": str(other),
        "remote.origin.uploadpack": f"touch {proof}; git-upload-pack",
    }.items():
        run("config", name, value)
    (folder / ".git/objects" / first[:2] / first[2:]).unlink()
    with pytest.raises(DevlabError):
        git.list_first_commits(folder, cancel=CancelToken())
    assert not proof.exists()


def test_a_folder_whose_name_is_no_text_is_graded(devlab: Devlab, work: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(work) + b"\xff"))
    work.rename(folder)
    for form in ("json", "junit", "sarif", "gradescope", "markdown", "github"):
        said = devlab("check", "--format", form, cwd=folder)
        assert said.code in (0, 1), said.err
        assert said.err == ""
