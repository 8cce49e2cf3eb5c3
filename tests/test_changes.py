"""Change-sets do exactly what they say, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.core.errors import DevlabError
from scaffolder.model import ChangeSet, Replacement
from scaffolder.workspace import changes
from scaffolder.workspace.changes import replace_once


def test_delete_write_and_replace(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    (tmp_path / "edit").write_text("one two")
    changes.apply_change(
        ChangeSet(
            delete=("old",),
            write={"new/file": "n"},
            replace=(Replacement("edit", "one", "1"), Replacement("edit", "two", "2")),
        ),
        tmp_path,
    )
    assert not (tmp_path / "old").exists()
    assert (tmp_path / "new" / "file").read_text() == "n"
    assert (tmp_path / "edit").read_text() == "1 2"


@pytest.mark.parametrize(
    "change",
    [
        ChangeSet(write={"new": "n"}, replace=(Replacement("edit", "a", "b"),)),
        ChangeSet(write={"new": "n"}, replace=(Replacement("edit", "z", "b"),)),
        ChangeSet(write={"new": "n"}, replace=(Replacement("missing", "z", "b"),)),
        ChangeSet(write={"new": "n", "../outside": "x"}),
        ChangeSet(write={"/tmp/outside": "x"}),
        ChangeSet(write={"new": "n"}, delete=("missing",)),
        ChangeSet(delete=("edit", "missing")),
        ChangeSet(write={"new": "n", ".git/config": "[core]\n\tfsmonitor = touch /tmp/outside"}),
        ChangeSet(write={"new": "n", "sub/.GIT/config": "x"}),
    ],
)
def test_an_edit_that_does_not_apply_changes_nothing(tmp_path: Path, change: ChangeSet) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "edit").write_text("a a")
    with pytest.raises(DevlabError):
        changes.apply_change(change, root)
    assert [path.name for path in root.iterdir()] == ["edit"]
    assert (root / "edit").read_text() == "a a"
    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_deleted_twice_is_gone_once(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    changes.apply_change(ChangeSet(delete=("old", "old"), write={"new": "n"}), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@given(st.text(min_size=1, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_replacement_is_made_once_or_not_at_all(old: str, before: str, after: str) -> None:
    text = before + old + after
    edit = Replacement("file", old, "NEW")
    if text.count(old) == 1:
        assert replace_once(edit, text) == before + "NEW" + after
    else:
        with pytest.raises(DevlabError, match="not once"):
            replace_once(edit, text)
