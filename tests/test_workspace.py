"""The learner's folder is read safely, and never written to."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder import workspace
from scaffolder.errors import DevlabError, UnusableFileError
from scaffolder.workspace import read_text, resolve_inside, snapshot


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
        skipped = snapshot(root, tmp_path / "copy")
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"app", "app/é ü\n.py", "inner"}
    assert {entry.path for entry in skipped} == {"outer", "pipe", "s"}


def test_a_snapshot_of_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "COUNT_LIMIT", 3)
    root = tmp_path / "work"
    root.mkdir()
    for number in range(5):
        (root / str(number)).touch()
    with pytest.raises(DevlabError, match="more than 3 files"):
        snapshot(root, tmp_path / "copy")


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
        workspace.find(tmp_path)
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
    assert workspace.find(deep).root == tmp_path
