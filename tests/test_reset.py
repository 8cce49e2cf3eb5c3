"""`devlab reset`: back to the start, and back from there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.command import Devlab, shell
from tests.support.labs import Catalog
from tests.support.versions import Releases, held, put

START = {"Dockerfile": "FROM scratch\n", "app/one.py": "one = 1\n", "app/two.py": "two = 2\n"}


@pytest.fixture
def work(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> Path:
    """Return a workspace in which a learner changed a file, deleted one, and wrote two."""
    Releases(catalog).release("1", START)
    folder = tmp_path / "work"
    assert devlab("new", "tested", folder, "--no-input").code == 0
    put(folder, {"Dockerfile": "FROM mine\n", "notes.md": "mine\n", "app/own.py": "own\n"})
    (folder / "app/two.py").unlink()
    return folder


def start_of(work: Path) -> dict[str, bytes]:
    return {name: (work / name).read_bytes() for name in START if (work / name).exists()}


def test_all_files_of_the_start_come_back_and_go_again(devlab: Devlab, work: Path) -> None:
    before = held(work)
    said = devlab("reset", "--yes", cwd=work)
    assert said.code == 0, said.err
    assert "-FROM mine\n+FROM scratch\n" in said.out
    assert "2 files brought back" in said.out
    assert start_of(work) == {name: text.encode() for name, text in START.items()}
    assert (work / "notes.md").read_text() == "mine\n"
    assert (work / "app/own.py").read_text() == "own\n"
    (kept,) = (one for one in (work / ".devlab/backups").iterdir() if one.is_dir())
    assert kept.name in said.out
    assert (kept / "files/Dockerfile").read_text() == "FROM mine\n"

    assert devlab("reset", "--yes", cwd=work).out.startswith("Nothing to do")
    said = devlab("reset", "--restore", kept.name, "--yes", cwd=work)
    assert said.code == 0, said.err
    assert held(work) == before


def test_who_may_run_a_file_comes_back_with_it(devlab: Devlab, work: Path) -> None:
    put(work, {"own.sh": "#!/bin/sh\n"})
    for name in ("own.sh", "Dockerfile"):
        (work / name).chmod(0o755)
    before = held(work)
    said = devlab("reset", "own.sh", "Dockerfile", "--yes", cwd=work)
    assert not (work / "own.sh").exists()
    assert not (work / "Dockerfile").stat().st_mode & 0o100
    name = said.out.split("--restore ")[1].strip()
    assert devlab("reset", "--restore", name, "--yes", cwd=work).code == 0
    assert held(work) == before


def test_without_a_terminal_it_asks_for_yes_and_changes_nothing(work: Path) -> None:
    before = held(work)
    process = shell("reset", cwd=work)
    out, err = process.communicate(timeout=60)
    # Of a process of its own, the catalog of this test is not known: the record alone suffices.
    assert process.returncode == 2, err
    assert "-FROM mine" in out
    assert "--yes" in err
    assert held(work) == before


def test_only_what_is_named_from_where_one_stands(devlab: Devlab, work: Path) -> None:
    put(work, {"app/one.py": "changed\n"})
    said = devlab("reset", "one.py", "-y", cwd=work / "app")
    assert said.code == 0, said.err
    assert (work / "app/one.py").read_text() == "one = 1\n"
    assert not (work / "app/two.py").exists()
    assert devlab("reset", "app", "-y", cwd=work).code == 0
    assert (work / "app/two.py").exists()
    assert (work / "app/own.py").exists()
    assert (work / "Dockerfile").read_text() == "FROM mine\n"
    # A file of the learner's own goes only where it is named, and is kept all the same.
    said = devlab("reset", "notes.md", "-y", cwd=work)
    assert said.code == 0, said.err
    assert not (work / "notes.md").exists()
    assert list((work / ".devlab/backups").glob("*/files/notes.md"))


@pytest.mark.parametrize("typed", ["to-work/app/one.py", "to-app/one.py", "work/app/one.py"])
def test_a_file_may_be_named_by_a_link_to_the_workspace(
    devlab: Devlab, work: Path, tmp_path: Path, typed: str
) -> None:
    (tmp_path / "to-work").symlink_to(work)
    (tmp_path / "to-app").symlink_to(work / "app")
    put(work, {"app/one.py": "changed\n"})
    said = devlab("reset", tmp_path / typed, "-y", cwd=work)
    assert said.code == 0, said.err
    assert (work / "app/one.py").read_text() == "one = 1\n"


def test_a_link_in_the_workspace_is_itself_what_is_named(
    devlab: Devlab, work: Path, tmp_path: Path
) -> None:
    (tmp_path / "to-work").symlink_to(work)
    (work / "link").symlink_to("notes.md")
    assert devlab("reset", tmp_path / "to-work/link", "-y", cwd=work).code == 0
    assert not (work / "link").is_symlink()
    assert (work / "notes.md").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Dockerfil", "did you mean 'Dockerfile'"),
        ("../elsewhere", "outside your workspace"),
        (".git/config", "no part of your work"),
        (".devlab/manifest.json", "no part of your work"),
        (".devlab", "no part of your work"),
        ("mine", "the start has no file in 'mine', and yours stay unless you name them"),
    ],
)
def test_what_cannot_be_reset_is_refused(devlab: Devlab, work: Path, name: str, words: str) -> None:
    put(work, {"mine/own.py": "own\n"})
    before = held(work)
    said = devlab("reset", name, "--yes", cwd=work)
    assert said.code != 0
    assert words in said.err
    assert held(work) == before


def test_a_folder_in_a_files_place_and_a_link_in_a_folders(
    devlab: Devlab, work: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    put(outside, {"one.py": "precious\n"})
    (work / "Dockerfile").unlink()
    put(work, {"Dockerfile/inside": "mine\n"})
    (work / "app").rename(work / "moved")
    (work / "app").symlink_to(outside)
    before = held(work)
    said = devlab("reset", "-y", cwd=work)
    assert said.code == 0, said.err
    assert start_of(work) == {name: text.encode() for name, text in START.items()}
    assert held(outside) == {"one.py": (b"precious\n", False)}
    name = said.out.split("--restore ")[1].strip()
    said = devlab("reset", "--restore", name, "-y", cwd=work)
    assert said.code == 0
    # The file goes for two reasons, and once.
    assert said.out.count("diff --git a/Dockerfile b/Dockerfile\n") == 1
    assert held(work) == before


def test_a_backup_cannot_write_elsewhere(devlab: Devlab, work: Path, tmp_path: Path) -> None:
    devlab("reset", "-y", cwd=work)
    (kept,) = (work / ".devlab/backups").glob("*/backup.json")
    kept.write_text(kept.read_text().replace('"Dockerfile"', '"../../outside"'))
    said = devlab("reset", "--restore", kept.parent.name, "-y", cwd=work)
    assert said.code == 2
    assert not (tmp_path / "outside").exists()
    assert "no backup '../../..'" in devlab("reset", "--restore", "../../..", "-y", cwd=work).err


def test_the_diff_is_one_that_git_takes(devlab: Devlab, work: Path) -> None:
    put(work, {"app/one.py": "no end", "Dockerfile": "a\n" * 3 + "\x1b[31mred\n"})
    (work / "app/one.py").chmod(0o755)
    name = work / "app/one.py"
    said = devlab("reset", cwd=work)
    patch = said.out
    assert said.code == 2
    subprocess.run(["git", "apply"], cwd=work, input=patch, text=True, check=True)
    assert start_of(work) == {name: text.encode() for name, text in START.items()}
    assert not name.stat().st_mode & 0o100
