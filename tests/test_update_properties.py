"""Whatever a learner wrote and whenever an update is killed: nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffolder import workspace
from scaffolder.labs import catalog as labs
from scaffolder.revise import backups, edits, update
from scaffolder.revise import merge as merging
from scaffolder.revise.merge import merge_work
from scaffolder.workspace import Manifest, ManifestLab, Workspace, trees
from scaffolder.workspace.trees import Entry, EntryKind
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.versions import Releases, held, put

# Names that meet: a file where another tree has a folder, names of conflicts, odd ones.
NAMES = st.sampled_from(["a", "b", "a/x", "d/x", "d/y", "e f", "b~yours", "b~lab-2", 'q"\n'])
LINES = st.lists(st.sampled_from(["one", "two", "three", "=======", ""]), max_size=6)
OWN_LINES = st.lists(st.text("abcé<=> \t", max_size=4), max_size=6)


def entries(lines: st.SearchStrategy[list[str]]) -> st.SearchStrategy[Entry]:
    text = st.tuples(lines, st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
        lambda drawn: (drawn[1].join(drawn[0]) + drawn[1] * drawn[2]).encode()
    )
    binary = st.binary(max_size=5).map(lambda content: b"\0" + content)
    files = st.builds(Entry, text | binary, st.sampled_from([EntryKind.FILE, EntryKind.PROGRAM]))
    links = st.sampled_from([b"a", b"/nowhere", b"d"]).map(lambda to: Entry(to, EntryKind.LINK))
    return st.one_of(files, files, files, links)


@st.composite
def forests(draw: st.DrawFn, lines: st.SearchStrategy[list[str]] = LINES) -> dict[str, Entry]:
    """Draw files of which none stands where another needs a folder."""
    drawn = draw(st.dictionaries(NAMES, entries(lines), max_size=5))
    return {path: one for path, one in drawn.items() if not (path == "a" and "a/x" in drawn)}


@st.composite
def edited(draw: st.DrawFn, began: dict[str, Entry]) -> dict[str, Entry]:
    """Draw what a learner may have made of files: some kept, changed, moved, deleted or new."""
    own = draw(forests(OWN_LINES))
    kept = {path: one for path, one in began.items() if draw(st.booleans())}
    for path, one in list(kept.items()):
        if one.kind is not EntryKind.LINK and draw(st.booleans()):
            kept[path] = Entry(one.content + b"mine\n", one.kind)
    both = {**kept, **own}
    return {path: one for path, one in both.items() if not (path == "a" and "a/x" in both)}


@contextmanager
def holding(tree: dict[str, Entry]) -> Iterator[Workspace]:
    """Yield a workspace that holds these files."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "work"
        (root / ".devlab").mkdir(parents=True)
        for path, entry in tree.items():
            trees.write_entry(root, path, entry, root / ".devlab/draft")
        yield Workspace(root, Manifest(lab=ManifestLab("lab", "1"), context={}))


def written(tree: dict[str, Entry]) -> set[bytes]:
    """Return the lines of texts, and the whole of what has none."""
    found: set[bytes] = set()
    for entry in tree.values():
        whole = entry.binary
        found |= {entry.content} if whole else set(entry.content.replace(b"\r", b"").split(b"\n"))
    return found


SETTINGS = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(st.data(), forests(), forests())
def test_no_line_of_the_learners_is_lost(
    data: st.DataObject, began: dict[str, Entry], now: dict[str, Entry]
) -> None:
    yours = data.draw(edited(began), "yours")
    merged = merge_work(began, yours, now, "lab-2")
    with holding(yours) as work:
        kept = edits.carry_out(work, merged.edits, "update")
        after = trees.read_tree(work.root)
        found = backups.read(work.root, kept)
        backup = {path: entry for path, entry in found.items() if entry is not None}
        assert written(yours) <= written(after) | written(backup)
        # And all of it can be had again.
        edits.carry_out(work, edits.plan_restore(work.root, kept), "restore")
        assert trees.read_tree(work.root) == yours


@SETTINGS
@given(st.data(), forests(), forests())
def test_nothing_of_another_kind_takes_the_place_of_what_the_learner_changed(
    data: st.DataObject, began: dict[str, Entry], now: dict[str, Entry]
) -> None:
    yours = data.draw(edited(began), "yours")
    merged = merge_work(began, yours, now, "lab-2")
    after = {**yours, **{one.path: one.after for one in merged.edits}}
    for path in set(yours) & set(now):
        kinds = {one is EntryKind.LINK for one in (yours[path].kind, now[path].kind)}
        if len(kinds) == 2 and began.get(path) not in (yours[path], now[path]):
            assert after[path] == yours[path]
            assert path in {one.path for one in merged.conflicts}


@pytest.mark.parametrize("mine", [EntryKind.LINK, EntryKind.FILE])
def test_a_later_git_that_puts_the_file_beside_its_link_is_understood(
    mine: EntryKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = EntryKind.FILE if mine is EntryKind.LINK else EntryKind.LINK
    yours, now = {"a": Entry(b"mine", mine)}, {"a": Entry(b"lab", theirs)}
    aside = {"a": yours["a"], "a~lab-2": now["a"]}
    if mine is EntryKind.FILE:
        aside = {"a": now["a"], "a~yours": yours["a"]}
    monkeypatch.setattr(merging, "_merged", lambda *_: (aside, tuple(aside)))
    merged = merge_work({"a": Entry(b"1")}, yours, now, "lab-2")
    assert merged.edits == (edits.Edit("a~lab-2", None, now["a"]),)
    assert merged.conflicts == (merging.Conflict("a", "beside", beside="a~lab-2"),)


def test_links_that_both_sides_moved_to_one_place_are_a_conflict() -> None:
    """git 2.39 dies of these, unless it does not look for what was moved."""
    one, other = Entry(b"one", EntryKind.LINK), Entry(b"other", EntryKind.LINK)
    yours = {"b": one, "d/x": one, "d/y": other, "e/x": one}
    now = {"b": one, "a/x": one, "e/x": other}
    merged = merge_work({"d/y": one}, yours, now, "lab-2")
    after = {**yours, **{edit.path: edit.after for edit in merged.edits}}
    # The lab moved the link that the learner had changed.
    assert (after["a/x"], after["d/y"]) == (other, None)
    assert (after["e/x"], after["e/x~lab-2"]) == (one, other)
    assert [conflict.path for conflict in merged.conflicts] == ["e/x"]


@SETTINGS
@given(forests(), forests())
def test_what_was_not_touched_becomes_what_the_lab_has(
    began: dict[str, Entry], now: dict[str, Entry]
) -> None:
    with holding(began) as work:
        merged = merge_work(began, began, now, "lab-2")
        assert not merged.conflicts
        edits.carry_out(work, merged.edits, "update")
        assert trees.read_tree(work.root) == now


@SETTINGS
@given(st.data(), forests())
def test_where_the_lab_changed_nothing_nothing_changes(
    data: st.DataObject, began: dict[str, Entry]
) -> None:
    yours = data.draw(edited(began), "yours")
    merged = merge_work(began, yours, began, "lab-2")
    assert merged.edits == ()
    assert merged.conflicts == ()


def killed_at(moment: int, call: Callable[[], object]) -> bool:
    """Call in a process of its own that is killed at its nth look at, or change of, a disk.

    Returns whether it was: a call that is over before lives.
    """
    child = os.fork()
    if child == 0:
        left = [moment]

        def audit(event: str, _: object) -> None:
            if event == "open" or event.startswith("os."):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        try:
            call()
        except BaseException:  # noqa: BLE001 -- the child must not go on as a test
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return os.WIFSIGNALED(status)


def test_killed_at_any_moment_everything_can_be_had_again(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    releases = Releases(catalog)
    releases.release("1", {"f": "1\n2\n3\n", "gone/x": "x\n", "same": "same\n", "turns": "file\n"})
    work = tmp_path / "work"
    assert devlab("new", "tested", work, "--no-input").code == 0
    put(work, {"f": "mine\n2\n3\n", "own": "own\n"})
    releases.release("2", {"f": "1\n2\nlab\n", "new": "n\n", "same": "same\n", "turns/to": "x\n"})
    old = held(work)
    whole = shutil.copytree(work, tmp_path / "whole", symlinks=True)
    assert devlab("update", cwd=whole).code == 0
    new = held(whole)
    planned = update.plan_update(
        labs.load_lab("tested", graded=False), workspace.find_workspace(work)
    )
    killed, half_done = 0, 0
    for moment in range(1, 1000):
        copy = shutil.copytree(work, tmp_path / f"copy-{moment}", symlinks=True)
        begun = replace(planned, workspace=workspace.find_workspace(copy))
        if not killed_at(moment, begun.carry_out):
            break
        killed += 1
        found = files(copy)
        if found not in (old, new):
            half_done += 1
            (kept,) = (copy / ".devlab/backups").glob("*-update")
            for name in [name for name in old if found.get(name) != old[name]]:
                assert (kept / "files" / name).read_bytes() == old[name][0]
        edits.recover(begun.workspace)
        assert files(copy) in (old, new)
        if files(copy) == old:
            begun.carry_out()
        assert files(copy) == new
        shutil.rmtree(copy)
    assert killed > 20
    assert half_done > 5


def files(work: Path) -> dict[str, object]:
    """Return what a learner would see: no drafts of devlab's."""
    return {name: one for name, one in held(work).items() if "draft" not in name}


def test_killed_while_it_puts_back_it_begins_again(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    releases = Releases(catalog)
    releases.release("1", {"f": "1\n", "g": "1\n"})
    work = tmp_path / "work"
    assert devlab("new", "tested", work, "--no-input").code == 0
    releases.release("2", {"f": "2\n", "g": "2\n"})
    old = held(work)
    found = workspace.find_workspace(work)
    planned = update.plan_update(labs.load_lab("tested", graded=False), found)
    for moment in range(1, 1000):
        assert killed_at(moment, planned.carry_out)
        if (work / "f").read_text() == "2\n":
            break
    for moment in range(1, 1000):
        if not killed_at(moment, lambda: edits.recover(found)):
            break
    assert files(work) == old
