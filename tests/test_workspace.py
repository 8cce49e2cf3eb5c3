"""The learner's folder is read safely, and never written to."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder import workspace
from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.workspace import read_text, resolve_inside, take_snapshot
from tests.support.command import Devlab


def test_reading_what_is_no_text_says_where(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"one\ntwo\n\xff\n")
    with pytest.raises(UnusableFileError, match="not UTF-8") as caught:
        read_text(tmp_path, "bad")
    assert (caught.value.path, caught.value.line) == ("bad", 3)


def test_a_named_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnusableFileError, match="not a regular file"):
        read_text(tmp_path, "pipe")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnusableFileError, match="not a regular file"):
        read_text(tmp_path, "folder")


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "loop"])
def test_links_that_lead_outside_or_nowhere_are_refused(tmp_path: Path, target: str) -> None:
    root = tmp_path / "work"
    root.mkdir()
    (tmp_path / "outside").write_text("secret")
    (root / "loop").symlink_to(target)
    with pytest.raises(UnusableFileError):
        read_text(root, "loop")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (workspace.TEXT_LIMIT + 1))
    with pytest.raises(UnusableFileError, match="at most"):
        read_text(tmp_path, "large")


@given(st.text(max_size=60))
def test_no_path_leads_outside(tmp_path_factory: pytest.TempPathFactory, relative: str) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        found = resolve_inside(root, relative)
    except UnusableFileError:
        return
    assert found.is_relative_to(root.resolve())


def test_a_snapshot_holds_the_work_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "work"
    (root / "app").mkdir(parents=True)
    (root / "app" / "é ü\n.py").write_text("1")
    (root / "inner").symlink_to("app")
    (root / "outer").symlink_to("/etc")
    (root / ".git").mkdir()
    (root / ".venv").mkdir()
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "s"))
        skipped = take_snapshot(root, tmp_path / "copy")
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"app", "app/é ü\n.py", "inner"}
    assert {entry.path for entry in skipped} == {"outer", "pipe", "s"}


def every_link_ends_in(copy: Path) -> bool:
    return all(
        Path(os.path.realpath(path)).is_relative_to(copy)
        for path in copy.rglob("*")
        if path.is_symlink()
    )


@pytest.mark.parametrize(
    ("made", "left_out"),
    [
        ({"x/y/d": "../..", "e": "x/y/d/../.."}, {"e"}),
        ({"x/y/d": "../..", "e": "x/y/d/../../work/file"}, {"e"}),
        ({"out": "/etc", "e": "out/passwd"}, {"out", "e"}),
        ({"e": "..keep", "f": "x/../file", "g": "nowhere/at/all"}, set()),
        ({"a": "b", "b": "a", "c": "c"}, set()),
    ],
)
def test_no_link_of_a_snapshot_leads_out_of_it(
    tmp_path: Path, made: dict[str, str], left_out: set[str]
) -> None:
    root = tmp_path / "a" / "work"
    (root / "x" / "y").mkdir(parents=True)
    (root / "file").touch()
    for name, target in made.items():
        (root / name).symlink_to(target)
    skipped = take_snapshot(root, tmp_path / "copy")
    assert {one.path for one in skipped} == left_out
    assert every_link_ends_in(tmp_path / "copy")
    seen = workspace.survey_work(root)
    assert seen.skipped == skipped
    assert seen.told == workspace.survey_work(tmp_path / "copy").told


STEP = st.sampled_from(["..", "..", ".", "a", "b", "work", ".venv"])


@settings(max_examples=40)
@given(
    made=st.dictionaries(
        st.lists(st.sampled_from(["a", "b", ".venv"]), min_size=1, max_size=3).map("/".join),
        st.lists(STEP, min_size=1, max_size=6).map("/".join),
        max_size=5,
    )
)
def test_whatever_links_there_are_a_snapshot_keeps_to_itself(
    tmp_path_factory: pytest.TempPathFactory, made: dict[str, str]
) -> None:
    place = tmp_path_factory.mktemp("links")
    root = place / "work"
    root.mkdir()
    for name, target in made.items():
        with contextlib.suppress(OSError):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)
    skipped = take_snapshot(root, place / "copy")
    for path in (place / "copy").rglob("*"):
        if path.exists():
            assert path.resolve().is_relative_to(place / "copy")
    assert workspace.survey_work(root).skipped == skipped


def test_a_snapshot_of_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffolder.workspace.snapshots.COUNT_LIMIT", 3)
    root = tmp_path / "work"
    root.mkdir()
    for number in range(5):
        (root / str(number)).touch()
    with pytest.raises(DevlabError, match="more than 3 files"):
        take_snapshot(root, tmp_path / "copy")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not a devlab manifest"),
        ("{", "not a devlab manifest"),
        ("[1]", "Expected `object`"),
        ('{"lab": {"id": "x", "version": "1"}}', "`schema`"),
        ('{"schema": "devlab.workspace/1", "lab": {"id": "x", "version": "1"}}', "context"),
        (
            '{"schema": "devlab.workspace/1", "lab": {"id": "x", "version": "1"}, "context": {},'
            ' "extra": 1}',
            "extra",
        ),
        ('{"schema": "other/9", "lab": {"id": "x", "version": "1"}, "context": {}}', "other/9"),
    ],
)
def test_a_broken_manifest_is_explained(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / ".devlab").mkdir()
    (tmp_path / ".devlab" / "manifest.json").write_text(content)
    with pytest.raises(DevlabError) as caught:
        workspace.find_workspace(tmp_path)
    assert words in caught.value.message
    assert "manifest.json" in caught.value.message
    assert caught.value.hint


def test_a_workspace_is_found_from_inside(tmp_path: Path) -> None:
    (tmp_path / ".devlab").mkdir()
    (tmp_path / ".devlab" / "manifest.json").write_text(
        '{"schema": "devlab.workspace/1", "lab": {"id": "x", "version": "1"}, "context": {}}'
    )
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert workspace.find_workspace(deep).root == tmp_path


NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder that every user may look into, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        yield Path(made)


def as_nobody(place: Path, code: str) -> str:
    """Return what a program prints that runs there and is nobody's, for whom modes count.

    It has loaded our code before, which that user may not read.
    """
    whole = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from scaffolder import workspace\n"
        "from scaffolder.core.errors import DevlabError\n"
        "from scaffolder.checks.docker.tools import ENGINE\n"
        "from scaffolder.core.file_digests import open_file_digests\n"
        "from scaffolder.tools.fingerprints import read_fingerprint\n"
        "from scaffolder.workspace import trees\n"
        "from scaffolder.checks.terraform import hcl, terraform_places\n"
        f"os.chdir({str(place)!r})\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try:\n"
        f"    print({code})\n"
        "except DevlabError as error:\n"
        "    print(type(error).__name__, error.message, '|', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, check=False, timeout=60
    )
    assert not done.stderr
    return done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mode", [0o700, 0o744])
@pytest.mark.parametrize(
    "code",
    [
        "workspace.survey_work(Path('work'))",
        "workspace.take_snapshot(Path('work'), Path('copy'))",
        "trees.list_paths(Path('work'))",
        "workspace.has_changed_since(Path('work'), 0.0)",
    ],
)
def test_a_folder_that_may_not_be_read_is_named_with_a_way_out(
    place: Path, code: str, mode: int
) -> None:
    folder = place / "work" / "my data"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    folder.chmod(mode)
    said = as_nobody(place, code)
    assert said.startswith("DevlabError you may not read work/my data | ")
    assert "chown -R $(id -u) 'work/my data'" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_that_may_not_be_read_is_named_with_a_way_out(place: Path) -> None:
    (place / "secret").touch(mode=0o600)
    assert "you may not read secret | " in as_nobody(place, "workspace.survey_work(Path('.'))")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_is_ones_own_needs_no_other_owner(place: Path) -> None:
    (place / "mine").touch(mode=0)
    os.chown(place / "mine", NOBODY, NOBODY)
    said = as_nobody(place, "workspace.survey_work(Path('.'))")
    assert "you may not read mine | it is yours; to read it: chmod -R u+rwX mine" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_devlab_folder_that_may_not_be_read_is_not_no_workspace(place: Path) -> None:
    deep = place / "work" / "deep"
    deep.mkdir(parents=True)
    (place / "work" / ".devlab").mkdir(mode=0o700)
    said = as_nobody(place, "workspace.find_workspace(Path('work/deep'))")
    assert said.startswith(f"DevlabError you may not read {place}/work/.devlab | ")
    (place / "work").chmod(0o700)
    said = as_nobody(place, "workspace.find_workspace(Path('work/deep'))")
    assert "work/deep cannot be looked at: Permission denied" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_settings_that_may_not_be_read_say_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    (place / ".docker").mkdir()
    (place / ".docker" / "config.json").touch(mode=0o600)
    (place / ".docker").chmod(mode)
    monkeypatch.setenv("HOME", str(place))
    said = as_nobody(
        place, "[one for one in read_fingerprint(ENGINE, open_file_digests()) if 'config' in one]"
    )
    assert said == "['.docker/config.json none']\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_terraform_settings_that_may_not_be_read_are_none(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = place / "locked"
    locked.mkdir()
    (locked / "settings").touch()
    locked.chmod(0o700)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(locked / "settings"))
    assert as_nobody(place, "type(terraform_places.list_candidates())") == "<class 'list'>\n"


@pytest.mark.parametrize("command", ["check", "hint", "reset", "doctor", "update", "solution"])
def test_a_current_folder_that_is_gone_is_said(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = devlab(command)
    assert said.code == 2
    assert "the current folder is gone" in said.err
    assert 'cd "$PWD"' in said.err
