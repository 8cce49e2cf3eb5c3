"""Diffs between states of files: what git and patch take, and make of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scaffolder.revise import diffs, edits
from scaffolder.workspace import trees
from scaffolder.workspace.trees import Entry, EntryKind

LINK, PROGRAM = EntryKind.LINK, EntryKind.PROGRAM
BEFORE = {
    "file to link": Entry(b"one\ntwo\n"),
    "link-to-file": Entry(b"elsewhere", LINK),
    "link-to-program": Entry(b"elsewhere", LINK),
    "link-moves": Entry(b"elsewhere", LINK),
    "changes its text": Entry(b"one\ntwo\n"),
    "goes away": Entry(b"one\n"),
    "may be run": Entry(b"#!/bin/sh\n"),
    'quoted "name"': Entry(b"one\n"),
    "é": Entry(b"one\n"),
    "empty goes": Entry(b""),
    "runs from now on": Entry(b"\0"),
    "folder/becomes": Entry(b"one\n"),
    "becomes": Entry(b"one\n"),
}
AFTER = {
    "file to link": Entry(b"elsewhere", LINK),
    "link-to-file": Entry(b"one\n"),
    "link-to-program": Entry(b"#!/bin/sh\n", PROGRAM),
    "link-moves": Entry(b"there", LINK),
    "changes its text": Entry(b"one\n2"),
    "may be run": Entry(b"#!/bin/sh\necho\n", PROGRAM),
    'quoted "name"': Entry(b"two\n"),
    "é": Entry(b"two\n"),
    "new one": Entry(b"new\n"),
    "new link": Entry(b"new one", LINK),
    "empty-comes": Entry(b""),
    "runs from now on": Entry(b"\0", PROGRAM),
}


@pytest.mark.parametrize("command", [("git", "apply"), ("patch", "-p1", "--quiet")])
@pytest.mark.parametrize(("before", "after"), [(BEFORE, AFTER), (AFTER, BEFORE)])
def test_git_and_patch_make_of_a_diff_what_was_meant(
    tmp_path: Path, command: tuple[str, ...], before: dict[str, Entry], after: dict[str, Entry]
) -> None:
    root = tmp_path / "work"
    root.mkdir()
    for path, entry in before.items():
        trees.write_entry(root, path, entry, tmp_path / "draft")
    patch = diffs.format_unified(edits.find_edits(before, after)).encode()
    done = subprocess.run(command, cwd=root, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr, patch.decode())
    assert trees.read_tree(root) == after
