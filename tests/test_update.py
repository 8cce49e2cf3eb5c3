"""`devlab update`: a lab's later version comes into begun work, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from scaffolder.revise import changelog
from scaffolder.workspace import trees
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.versions import Releases, held, put

LINES = [f"line {number}\n" for number in range(1, 31)]


def numbered(**changed: str) -> str:
    """Return thirty lines, some of them changed: `at_3="x"` is the third."""
    lines = list(LINES)
    for name, text in changed.items():
        lines[int(name.removeprefix("at_")) - 1] = f"{text}\n"
    return "".join(lines)


@pytest.fixture
def releases(catalog: Catalog) -> Releases:
    return Releases(catalog)


def begin(devlab: Devlab, tmp_path: Path, name: str = "work") -> Path:
    work = tmp_path / name
    said = devlab("new", "tested", work, "--no-input")
    assert said.code == 0, said.err
    return work


def backup(said: str) -> str:
    """Return the name of the backup that an output tells of."""
    return said.split("--restore ")[1].split(maxsplit=1)[0]


def test_a_learners_work_is_kept_through_three_versions_with_conflicts(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"Dockerfile": numbered(), "notes.md": "one\n", "old.txt": "old\n"})
    work = begin(devlab, tmp_path)
    # The learner works: at two places of one file, on a file of their own, and takes notes.
    (work / "Dockerfile").write_text(numbered(at_3="mine at three", at_20="mine at twenty"))
    put(work, {"src/mine.py": "mine = 1\n", "notes.md": "one\nmy notes\n"})

    releases.release(
        "2",
        {"Dockerfile": numbered(at_3="lab two", at_28="lab's end"), "notes.md": "one\n",
         "new.txt": "new in 2\n"},
        changelog="# Changes\n\n## 2\n\n- A new file, a better Dockerfile.\n\n## 1\n\n- Begun.\n",
    )  # fmt: skip
    said = devlab("update", cwd=work)
    assert said.code == 1, said.err
    assert "1 → 2" in said.out
    assert "A new file, a better Dockerfile." in said.out
    assert "Begun." not in said.out
    text = (work / "Dockerfile").read_text()
    line = text.splitlines().index("<<<<<<< yours") + 1
    assert f"CONFLICT  Dockerfile:{line}" in said.out
    assert "<<<<<<< yours\nmine at three\n" in text
    assert "=======\nlab two\n>>>>>>> tested-2\n" in text
    assert "mine at twenty" in text
    assert "lab's end" in text
    assert (work / "notes.md").read_text() == "one\nmy notes\n"
    assert (work / "new.txt").read_text() == "new in 2\n"
    assert not (work / "old.txt").exists()
    assert (work / "src/mine.py").read_text() == "mine = 1\n"
    kept = work / ".devlab/backups" / backup(said.out) / "files"
    assert (kept / "Dockerfile").read_text() == numbered(
        at_3="mine at three", at_20="mine at twenty"
    )

    # Another update has to wait until the conflict is solved, and says where it is.
    releases.release(
        "3",
        {"Dockerfile": numbered(at_3="lab two", at_10="lab three", at_28="lab's end"),
         "notes.md": "one\n", "new.txt": "new in 3\n"},
        changelog="## 3\n\n- More.\n\n## 2\n\n- Old news.\n",
    )  # fmt: skip
    before = held(work)
    refused = devlab("update", cwd=work)
    assert refused.code == 2
    assert f"Dockerfile:{line}" in refused.err
    assert held(work) == before

    solved = text.replace("<<<<<<< yours\n", "").replace("=======\nlab two\n>>>>>>> tested-2\n", "")
    (work / "Dockerfile").write_text(solved)
    said = devlab("update", cwd=work)
    assert said.code == 0, said.err + said.out
    assert "2 → 3" in said.out
    assert "Old news." not in said.out
    assert (work / "Dockerfile").read_text() == numbered(
        at_3="mine at three", at_10="lab three", at_20="mine at twenty", at_28="lab's end"
    )
    assert (work / "new.txt").read_text() == "new in 3\n"
    assert (work / "notes.md").read_text() == "one\nmy notes\n"
    assert json.loads((work / ".devlab/manifest.json").read_text())["lab"]["version"] == "3"
    assert devlab("update", cwd=work).out.startswith("Nothing to do")


def test_an_untouched_workspace_becomes_what_new_makes(
    devlab: Devlab, releases: Releases, catalog: Catalog, tmp_path: Path
) -> None:
    releases.release("1", {"a.txt": "1", "turns/into.txt": "x", "file": "y", "gone.bin": b"\0\1"})
    work = begin(devlab, tmp_path)
    releases.release("2", {"a.txt": "2", "turns": "a file", "file/inside": "z", "new.bin": b"\0\2"})
    assert releases.folder is not None
    put(releases.folder / "start", {"run.sh": "#!/bin/sh\n"})
    (releases.folder / "start/run.sh").chmod(0o755)
    settings = catalog.root / "templates/tiny/cookiecutter.json"
    settings.write_text(settings.read_text().replace("{", '{"port": "8000", ', 1))
    said = devlab("update", cwd=work)
    assert said.code == 0, said.err
    assert held(work) == held(begin(devlab, tmp_path, "fresh"))
    assert json.loads((work / ".devlab/manifest.json").read_text())["context"]["port"] == "8000"
    assert (work / "run.sh").stat().st_mode & 0o100


def test_a_new_variable_can_be_set_and_a_value_that_is_gone_is_asked_for(
    devlab: Devlab, releases: Releases, catalog: Catalog, tmp_path: Path
) -> None:
    releases.release("1", {})
    work = tmp_path / "work"
    assert devlab("new", "tested", work, "--no-input", "--set", "size=large").code == 0
    settings = catalog.root / "templates/tiny/cookiecutter.json"
    settings.write_text(settings.read_text().replace('"large"', '"huge"'))
    releases.release("2", {})
    said = devlab("update", cwd=work)
    assert said.code == 2
    assert "must be one of small, huge" in said.err
    assert devlab("update", "--set", "size=huge", cwd=work).code == 0
    assert json.loads((work / ".devlab/manifest.json").read_text())["context"]["size"] == "huge"


def test_what_follows_from_the_learners_id_cannot_be_set(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {})
    assert releases.folder is not None
    with (releases.folder / "lab.yaml").open("a") as file:
        file.write("vary:\n  variables:\n    name: {choices: [fox, owl]}\n")
    work = tmp_path / "work"
    assert devlab("new", "tested", work, "--no-input", "--learner", "ada").code == 0
    before = held(work)
    said = devlab("update", "--set", "name=mine", cwd=work)
    assert said.code == 2
    assert "for this learner and cannot be set" in said.err
    assert held(work) == before


def test_a_large_start_can_be_updated_and_that_undone(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    large = bytes(16 * 2**20)
    releases.release("1", {"data.bin": large, "f": "1\n"})
    work = begin(devlab, tmp_path)
    assert (work / ".devlab/start.json").stat().st_size > 20 * 2**20
    before = held(work)
    releases.release("2", {"data.bin": large, "f": "2\n"})
    said = devlab("update", cwd=work)
    assert said.code == 0, said.err
    assert (work / "f").read_text() == "2\n"
    assert devlab("reset", "--restore", backup(said.out), "--yes", cwd=work).code == 0
    assert held(work) == before


def test_a_dry_run_says_the_same_and_changes_nothing(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": numbered()})
    work = begin(devlab, tmp_path)
    (work / "f").write_text(numbered(at_3="mine"))
    releases.release("2", {"f": numbered(at_3="lab"), "new": "n"})
    before = held(work)
    said = devlab("update", "--dry-run", "--format", "json", cwd=work)
    assert said.code == 1
    document = json.loads(said.out)
    assert document["backup"] is None
    assert document["files"]["added"] == ["new"]
    assert [(one["path"], one["lines"]) for one in document["conflicts"]] == [("f", [3])]
    assert held(work) == before
    assert not (work / ".devlab/backups").exists()
    real = json.loads(devlab("update", "--format", "json", cwd=work).out)
    assert real["files"] == document["files"]
    assert real["conflicts"] == document["conflicts"]


@pytest.mark.parametrize(
    ("old", "new"), [("2", "1"), ("1.10", "1.9"), ("autumn-10", "autumn-9"), ("2.0", "2.0b1")]
)
def test_an_older_lab_is_refused(
    devlab: Devlab, releases: Releases, tmp_path: Path, old: str, new: str
) -> None:
    releases.release(old, {"f": "of the later"})
    work = begin(devlab, tmp_path)
    releases.release(new, {"f": "of the earlier"})
    before = held(work)
    said = devlab("update", cwd=work)
    assert said.code == 2
    assert "an older one" in said.err
    assert held(work) == before
    releases.release(old, {"f": "of the later"})
    assert devlab("update", cwd=work).out.startswith("Nothing to do")


def test_a_start_that_changed_within_a_version_comes_too(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": "1"})
    work = begin(devlab, tmp_path)
    releases.release("1", {"f": "better"})
    assert devlab("update", cwd=work).code == 0
    assert (work / "f").read_text() == "better"


def test_what_cannot_be_merged_stands_beside_and_must_be_decided(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"logo.png": b"\0one"})
    work = begin(devlab, tmp_path)
    (work / "logo.png").write_bytes(b"\0mine")
    (work / "both.txt").write_text("my own\n")
    (work / "both.bin").write_bytes(b"\0my own")
    releases.release(
        "2", {"logo.png": b"\0two", "both.txt": "the lab's\n", "both.bin": b"\0the lab's"}
    )
    said = devlab("update", cwd=work)
    assert said.code == 1, said.err
    assert (work / "logo.png").read_bytes() == b"\0mine"
    assert (work / "logo.png~tested-2").read_bytes() == b"\0two"
    assert (work / "both.bin").read_bytes() == b"\0my own"
    assert (work / "both.bin~tested-2").read_bytes() == b"\0the lab's"
    text = (work / "both.txt").read_text()
    assert "my own\n=======\nthe lab's\n" in text
    refused = devlab("update", cwd=work)
    assert refused.code == 2
    for name in ("logo.png~tested-2", "both.bin~tested-2", "both.txt:1"):
        assert name in refused.err
    for name in ("logo.png~tested-2", "both.bin~tested-2"):
        (work / name).unlink()
    (work / "both.txt").write_text("solved\n")
    assert devlab("update", cwd=work).out.startswith("Nothing to do")


def test_a_file_that_became_a_link_stays_one_and_the_labs_stands_beside(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"app/config.py": numbered()})
    work = begin(devlab, tmp_path)
    (work / "app/config.py").rename(work / "app/settings.py")
    (work / "app/config.py").symlink_to("settings.py")
    (work / "new").symlink_to("app")
    releases.release("2", {"app/config.py": numbered(at_20="lab"), "new": "new\n"})
    said = devlab("update", cwd=work)
    assert said.code == 1, said.out + said.err
    after = held(work)
    assert after["app/config.py"] == "settings.py"
    assert after["app/settings.py"] == (numbered().encode(), False)
    assert after["app/config.py~tested-2"] == (numbered(at_20="lab").encode(), False)
    assert (after["new"], after["new~tested-2"]) == ("app", (b"new\n", False))
    for name in ("app/config.py", "new"):
        assert f"CONFLICT  {name}\n" in said.out
        assert f"the lab's is {name}~tested-2" in said.out
    assert "app/config.py~tested-2" in devlab("update", cwd=work).err


def test_what_one_side_deleted_and_the_other_changed_is_kept(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"a": numbered(), "b": numbered(), "c": "c\n", "d": "d\n"})
    work = begin(devlab, tmp_path)
    (work / "a").unlink()
    (work / "b").write_text(numbered(at_3="mine"))
    (work / "c").unlink()
    (work / "d").unlink()
    releases.release("2", {"a": numbered(at_5="lab"), "c": "c\n"})
    said = devlab("update", cwd=work)
    assert said.code == 1, said.err
    assert (work / "a").read_text() == numbered(at_5="lab")
    assert "you deleted it and the lab changed it" in said.out
    assert (work / "b").read_text() == numbered(at_3="mine")
    assert "the lab deleted it and you changed it" in said.out
    # What only the learner deleted stays so, and so does what both did.
    assert not (work / "c").exists()
    assert not (work / "d").exists()


def test_a_file_that_the_learner_moved_gets_the_labs_changes(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"old.py": numbered()})
    work = begin(devlab, tmp_path)
    (work / "old.py").unlink()
    put(work, {"src/new.py": numbered(at_3="mine")})
    releases.release("2", {"old.py": numbered(at_20="lab")})
    said = devlab("update", cwd=work)
    assert said.code == 0, said.out + said.err
    assert (work / "src/new.py").read_text() == numbered(at_3="mine", at_20="lab")
    assert not (work / "old.py").exists()


def test_who_may_run_a_file_merges_apart_from_what_is_in_it(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"run.sh": f"#!/bin/sh\n{numbered()}", "own.sh": "#!/bin/sh\n"})
    work = begin(devlab, tmp_path)
    (work / "run.sh").write_text(f"#!/bin/sh\n{numbered(at_3='mine')}")
    (work / "own.sh").chmod(0o700)
    releases.release("2", {"run.sh": f"#!/bin/sh\n{numbered()}", "own.sh": "#!/bin/sh\necho\n"})
    assert releases.folder is not None
    (releases.folder / "start/run.sh").chmod(0o755)
    assert devlab("update", cwd=work).code == 0
    assert "mine" in (work / "run.sh").read_text()
    assert (work / "run.sh").stat().st_mode & 0o100
    assert (work / "own.sh").read_text() == "#!/bin/sh\necho\n"
    # Nobody may read it now who might not before.
    assert (work / "own.sh").stat().st_mode & 0o777 == 0o700


def test_lines_that_end_as_on_windows_are_no_conflict(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": numbered()})
    work = begin(devlab, tmp_path)
    (work / "f").write_bytes(numbered(at_3="mine").replace("\n", "\r\n").encode())
    releases.release("2", {"f": numbered(at_20="lab")})
    said = devlab("update", cwd=work)
    assert said.code == 0, said.out
    assert "mine" in (work / "f").read_text()
    assert "lab\n" in (work / "f").read_text()


def test_a_learners_folder_in_the_place_of_a_new_file(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"a": "a\n"})
    work = begin(devlab, tmp_path)
    put(work, {"conf/mine.ini": "mine\n", "plain": "my file\n"})
    releases.release("2", {"a": "a\n", "conf": "the lab's\n", "plain/x": "the lab's\n"})
    said = devlab("update", cwd=work)
    assert said.code == 1
    everything = b"".join(one[0] for one in held(work).values())
    for text in (b"mine\n", b"my file\n", b"the lab's\n"):
        assert text in everything


def test_it_needs_no_repository_and_uses_none(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": numbered()})
    work = begin(devlab, tmp_path)
    (work / "f").write_text(numbered(at_3="mine"))
    releases.release("2", {"f": numbered(at_20="lab")})
    git = shutil.copytree(work / ".git", tmp_path / "git")
    assert devlab("update", cwd=work).code == 0
    for name in ("index", "HEAD", "refs/heads/main"):
        assert (work / ".git" / name).read_bytes() == (git / name).read_bytes()
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=work, capture_output=True, text=True, check=True
    )
    assert "backups" not in status.stdout
    shutil.rmtree(work / ".git")
    releases.release("3", {"f": numbered(at_20="lab", at_28="lab three")})
    assert devlab("update", cwd=work).code == 0
    assert (work / "f").read_text() == numbered(at_3="mine", at_20="lab", at_28="lab three")


def test_without_git_what_needs_no_merge_goes_on_and_the_rest_says_why(
    devlab: Devlab, releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.release("1", {"f": numbered()})
    work = begin(devlab, tmp_path)
    put(work, {"mine": "mine\n"})
    releases.release("2", {"f": numbered(at_20="lab")})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devlab("update", cwd=work).code == 0
    (work / "f").write_text(numbered(at_3="mine", at_20="lab"))
    releases.release("3", {"f": numbered(at_20="lab", at_28="three")})
    before = held(work)
    said = devlab("update", cwd=work)
    assert said.code == 3
    assert "install git" in said.err
    assert held(work) == before


def test_the_first_commit_knows_the_start_where_its_record_is_lost(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": numbered()})
    work = begin(devlab, tmp_path)
    (work / ".devlab/start.json").unlink()
    (work / "f").write_text(numbered(at_3="mine"))
    releases.release("2", {"f": numbered(at_20="lab")})
    said = devlab("update", cwd=work)
    assert said.code == 0, said.err
    assert (work / "f").read_text() == numbered(at_3="mine", at_20="lab")


def test_where_nobody_knows_the_start_what_differs_is_a_conflict(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": numbered(), "same": "same\n"})
    work = begin(devlab, tmp_path)
    record = work / ".devlab/start.json"
    record.write_text(record.read_text().replace('"sha256": "', '"sha256": "0'))
    shutil.rmtree(work / ".git")
    (work / "f").write_text(numbered(at_3="mine"))
    releases.release("2", {"f": numbered(at_20="lab"), "same": "same\n"})
    before = held(work)
    said = devlab("update", cwd=work)
    assert said.code == 2
    assert "nobody knows any more how this work began" in said.err
    assert "its files are not those that were kept" in said.err
    assert held(work) == before
    said = devlab("update", "--start-unknown", cwd=work)
    assert said.code == 1, said.err
    text = (work / "f").read_text()
    assert "mine" in text
    assert "lab\n" in text
    assert "  same" not in said.out
    assert (work / "f").read_text().count("line 10") == 1


HOSTILE = ["../outside", "/tmp/outside", ".git/hooks/pre-commit", "a/../../b", ".devlab/x", "\0"]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_record_cannot_name_what_is_no_part_of_the_work(
    devlab: Devlab, releases: Releases, tmp_path: Path, path: str
) -> None:
    from scaffolder.workspace import ManifestLab, starts

    releases.release("1", {"f": "1\n"})
    work = begin(devlab, tmp_path)
    shutil.rmtree(work / ".git")
    (tmp_path / "outside").write_text("precious")
    evil = {path: trees.Entry(b"precious")}
    (work / ".devlab/start.json").write_bytes(starts.encode(ManifestLab("tested", "1"), evil))
    releases.release("2", {"f": "2\n"})
    said = devlab("update", cwd=work)
    assert said.code == 2
    assert "no part of somebody's work" in said.err
    assert (tmp_path / "outside").read_text() == "precious"


def test_nothing_is_written_through_a_link(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"app/a.txt": "1\n", "b.txt": "1\n"})
    work = begin(devlab, tmp_path)
    outside = tmp_path / "outside"
    shutil.move(work / "app", outside)
    (work / "app").symlink_to(outside)
    (tmp_path / "b.txt").write_text("1\n")
    (work / "b.txt").unlink()
    (work / "b.txt").symlink_to(tmp_path / "b.txt")
    releases.release("2", {"app/a.txt": "2\n", "app/new.txt": "n\n", "b.txt": "2\n"})
    devlab("update", cwd=work)
    assert held(outside) == {"a.txt": (b"1\n", False)}
    assert (tmp_path / "b.txt").read_text() == "1\n"


def test_a_link_in_the_place_of_the_backups_is_refused(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": "1\n"})
    work = begin(devlab, tmp_path)
    (tmp_path / "outside").mkdir()
    (work / ".devlab/backups").symlink_to(tmp_path / "outside")
    releases.release("2", {"f": "2\n"})
    said = devlab("update", cwd=work)
    assert said.code == 1
    assert ".devlab/backups must be a folder" in said.err
    assert (work / "f").read_text() == "1\n"
    assert not list((tmp_path / "outside").iterdir())


def test_odd_files_of_the_learner_are_no_obstacle(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": numbered()})
    work = begin(devlab, tmp_path)
    (work / "f").write_text(numbered(at_3="mine"))
    put(work, {'new\nline "q" \\': "odd\n", "git~1": "odd\n", "esc\x1b[31m": "odd\n"})
    (work / os.fsdecode(b"no-utf8-\xff")).write_text("odd\n")
    os.mkfifo(work / "pipe")
    with (work / "huge").open("wb") as file:
        file.truncate(30 * 2**20)
    put(work, {".gitattributes": "f merge=ours filter=evil eol=crlf\n", ".gitignore": "*\n"})
    releases.release("2", {"f": numbered(at_20="lab")})
    said = devlab("update", cwd=work)
    assert said.code == 0, said.err
    assert (work / "f").read_text() == numbered(at_3="mine", at_20="lab")
    assert (work / 'new\nline "q" \\').read_text() == "odd\n"
    assert "\x1b" not in said.out


@pytest.mark.parametrize("odd", ["pipe", "huge"])
def test_what_cannot_be_read_stays_and_the_labs_stands_beside(
    devlab: Devlab, releases: Releases, tmp_path: Path, odd: str
) -> None:
    releases.release("1", {odd: "1\n", "f": "1\n"})
    work = begin(devlab, tmp_path)
    (work / odd).unlink()
    if odd == "pipe":
        os.mkfifo(work / odd)
    else:
        with (work / odd).open("wb") as file:
            file.truncate(30 * 2**20)
    releases.release("2", {odd: "2\n", "f": "2\n"})
    said = devlab("update", cwd=work)
    assert said.code == 1
    assert f"the lab's is {odd}~tested-2" in said.out
    assert (work / f"{odd}~tested-2").read_text() == "2\n"
    assert (work / "f").read_text() == "2\n"
    status = (work / odd).lstat()
    assert stat.S_ISFIFO(status.st_mode) if odd == "pipe" else status.st_size == 30 * 2**20


@pytest.mark.parametrize(
    "heading",
    ["## 2", "## [2] - 2026-01-31", "## v2 (autumn)", "## Version 2", "## 2:", "## Release v2: new",
     "## [v2](https://example.org/2)", "## 2."],
)  # fmt: skip
def test_a_heading_names_a_version_as_people_write_it(heading: str) -> None:
    (section,) = changelog.split_sections(f"# Changes\n\n{heading}\n\n- Better.\n")
    assert section == changelog.Section("2", "- Better.")


@pytest.mark.parametrize("version", ["autumn-10", "vintage-2", "1.10", "2b1"])
def test_any_version_can_be_a_heading(version: str) -> None:
    assert changelog.split_sections(f"## {version}\n")[0].version == version


def test_an_author_may_write_escapes_and_nobodys_terminal_obeys(
    devlab: Devlab, releases: Releases, tmp_path: Path
) -> None:
    releases.release("1", {"f": "1\n"})
    work = begin(devlab, tmp_path)
    releases.release("2", {"f": "2\n"}, changelog="## [2] - 2026-01-31\n\n- \x1b]0;words\x07\n")
    said = devlab("update", cwd=work)
    assert "\x1b" not in said.out
    assert "words" in said.out
