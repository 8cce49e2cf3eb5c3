"""Whatever somebody hands in ends as a verdict on it, or is refused in words: never as our error.

Each example is a real workspace of a lab, its start or its solution, with a few edits that nobody
in their right mind makes. The quick profile tries a few of them against what needs no engine;
HYPOTHESIS_PROFILE=thorough tries thousands, and some against everything that runs here.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffolder import workspace
from scaffolder.checks.docker.tools import ENGINE
from scaffolder.checks.kind import Kind
from scaffolder.core import folders
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.folders import remove_tree
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.model import Lab, Outcome, Report
from scaffolder.report import REPORTERS, terminal
from tests.support.command import Devlab
from tests.support.hostile import Hostile, edits
from tests.support.labs import Catalog, task

LABS = tuple(lab_id for lab_id in catalog.list_lab_ids() if "/" not in lab_id)
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
# Seconds: what checks take that need no engine, on a machine on which much else runs.
QUICK_BOUND = 60.0
# What all checks of a lab may take together: each is bounded by itself.
WHOLE_BOUND = 900.0


@functools.cache
def made(lab_id: str, state: str) -> Path:
    """Return a state of a lab, made once."""
    folder = Path(tempfile.mkdtemp(prefix="devlab-test-")) / state
    build_state(catalog.load_lab(lab_id), state, {}, folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _tidy() -> Iterator[None]:
    yield
    for lab_id in LABS:
        for state in ("start", "solution"):
            shutil.rmtree(made(lab_id, state).parent, ignore_errors=True)


@functools.cache
def files(lab_id: str) -> tuple[str, ...]:
    """Return the paths of a lab's solution; one that a check names stands there more often."""
    root = made(lab_id, "solution")
    found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    solution = catalog.load_lab(lab_id).root / "solution"
    answer = [one for one in found if (solution / one).exists()]
    return (*answer * 4, *found)


def with_checks(lab: Lab, *, quick: bool) -> Lab:
    """Return the lab with those of its checks that are quick and need no engine, or with all."""
    if not quick:
        return lab
    tasks = tuple(
        msgspec.structs.replace(
            task,
            needs=(),
            checks=tuple(
                spec
                for spec in task.checks
                if isinstance(spec.check, Kind)
                and spec.check.quick
                and ENGINE not in spec.check.requires
            ),
        )
        for task in lab.tasks
    )
    return msgspec.structs.replace(lab, tasks=tuple(task for task in tasks if task.checks))


def graded(folder: Path, *, quick: bool) -> Report | DevlabError:
    """Return the report on a folder, or why there is none, as `devlab check` finds it."""
    try:
        found = workspace.find_workspace(folder)
        lab = catalog.load_for_workspace(found.manifest)
        return grade(with_checks(lab, quick=quick), found)
    except DevlabError as error:
        return error


def require_a_verdict(folder: Path, *, quick: bool) -> None:
    began = time.monotonic()
    report = graded(folder, quick=quick)
    took = time.monotonic() - began
    assert took < (QUICK_BOUND if quick else WHOLE_BOUND)
    if isinstance(report, DevlabError):
        assert report.exit_code is ExitCode.USAGE
        assert report.message
        return
    wrong = [
        (check.id, check.verdict.message)
        for task in report.tasks
        for check in task.checks
        if check.verdict.outcome is Outcome.ERROR
    ]
    assert not wrong
    for render in (*REPORTERS.values(), terminal.render):
        render(report).encode("utf-8")


def try_edits(lab_id: str, state: str, tried: list[Hostile], *, quick: bool) -> None:
    place = Path(tempfile.mkdtemp(prefix="devlab-test-"))
    try:
        shutil.copytree(made(lab_id, state), place / "work", symlinks=True)
        for one in tried:
            try:
                one.edit(place / "work")
            except (OSError, KeyError, TypeError, ValueError):
                # An edit before took away what this one is of.
                continue
        require_a_verdict(place / "work", quick=quick)
    finally:
        remove_tree(place)


@pytest.mark.parametrize("lab_id", LABS)
@settings(
    max_examples=800 if THOROUGH else 15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_workspace_is_our_error(lab_id: str, data: st.DataObject) -> None:
    state = data.draw(st.sampled_from(("solution", "start")))
    tried = data.draw(st.lists(edits(files(lab_id)), min_size=1, max_size=4))
    try_edits(lab_id, state, tried, quick=True)


@pytest.mark.skipif(not THOROUGH, reason="HYPOTHESIS_PROFILE=thorough takes an hour")
@pytest.mark.parametrize("lab_id", LABS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_workspace_is_our_error_whatever_is_checked(lab_id: str, data: st.DataObject) -> None:
    tried = data.draw(st.lists(edits(files(lab_id)), min_size=1, max_size=2))
    try_edits(lab_id, "solution", tried, quick=False)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that is removed whatever is in it, which pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="devlab-test-"))
    yield made
    monkeypatch.undo()
    remove_tree(made)


COMMANDS = (
    ("reset",),
    ("update", "--dry-run"),
    ("solution", "--give-up"),
    ("next",),
    ("doctor", "--offline"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@settings(
    max_examples=200 if THOROUGH else 6,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_command_breaks_on_a_workspace(
    devlab: Devlab, own_home: None, command: tuple[str, ...], data: st.DataObject
) -> None:
    lab_id = data.draw(st.sampled_from(LABS))
    place = Path(tempfile.mkdtemp(prefix="devlab-test-"))
    before = Path.cwd()
    try:
        shutil.copytree(made(lab_id, "solution"), place / "work", symlinks=True)
        for one in data.draw(st.lists(edits(files(lab_id)), min_size=1, max_size=3)):
            with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
                one.edit(place / "work")
        said = devlab(*command, cwd=place / "work")
        assert "in a way that it should not" not in said.err
        assert "Traceback" not in said.err + said.out
        assert said.code in {0, 1, 2, 3}
    finally:
        os.chdir(before)
        remove_tree(place)


@pytest.fixture(scope="module", params=["a", "x" * 200])
def endless(request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """Return a name and a workspace with folders of that name in each other: none may change it."""
    place = Path(tempfile.mkdtemp(prefix="devlab-test-"))
    shutil.copytree(made("ci-pipeline", "solution"), place / "work", symlinks=True)
    make_deep(place / "work", request.param, 1500)
    yield request.param, place / "work"
    remove_tree(place)


@pytest.mark.parametrize("command", ["check", "hint", "reset", "update", "solution", "doctor"])
def test_folders_without_end_are_refused_in_words(
    devlab: Devlab, own_home: None, endless: tuple[str, Path], command: str
) -> None:
    name, work = endless
    said = devlab(command, cwd=work)
    assert said.code == 2 or command == "doctor"
    assert "should not" not in said.err
    if command in ("check", "hint"):
        assert ("more than 100 folders" if name == "a" else "a path is longer") in said.err
        assert f"remove what lies in {name[:60]}" in said.err


def make_deep(root: Path, name: str, depth: int) -> None:
    before = Path.cwd()
    os.chdir(root)
    try:
        for _ in range(depth):
            Path(name).mkdir()
            os.chdir(name)
    finally:
        os.chdir(before)


def test_a_project_may_lie_as_deep_as_projects_do(place: Path) -> None:
    make_deep(place, "a", folders.DEPTH_LIMIT - 1)
    assert len(list(workspace.walk_work(place))) == folders.DEPTH_LIMIT - 1
    assert len(workspace.survey_work(place).told) == folders.DEPTH_LIMIT - 1


def test_a_folder_of_too_many_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "WIDTH_LIMIT", 3)
    for name in "abc":
        (tmp_path / name).touch()
    assert len(list(workspace.walk_work(tmp_path))) == 3
    (tmp_path / "d").touch()
    with pytest.raises(DevlabError, match="a folder holds more than 3 entries"):
        list(workspace.walk_work(tmp_path))


def test_folders_are_removed_at_any_depth_and_whatever_was_made_of_them(
    tmp_path: Path, place: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    (place / "locked" / "in").mkdir(parents=True)
    (place / "link").symlink_to(outside)
    (place / "locked" / "in" / "link").symlink_to(outside / "kept")
    make_deep(place, "x" * 200, 1500)
    (place / "locked" / "in").chmod(0)
    (place / "locked").chmod(0o500)
    remove_tree(place)
    assert not place.exists()
    assert (outside / "kept").is_dir()
    remove_tree(place)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("service_name", "Not A Name!", "service_name"),
        ("service_name", "", "service_name"),
        ("project_name", "Not A Name!", "project_name"),
        ("company", "a\nb", "company"),
        ("python_version", "2.7", "3.13, 3.12, 3.11"),
        ("author", "a\nb", "author"),
        ("author", "x" * 101, "1 to 100"),
    ],
)
@pytest.mark.parametrize("lab_id", LABS)
def test_a_manifest_with_values_that_the_lab_refuses_is_refused(
    devlab: Devlab, own_home: None, tmp_path: Path, lab_id: str, name: str, value: str, words: str
) -> None:
    shutil.copytree(made(lab_id, "solution"), tmp_path / "work", symlinks=True)
    path = tmp_path / "work" / workspace.MANIFEST
    whole = json.loads(path.read_text())
    if name not in whole["context"]:
        pytest.skip("the lab has no such value")
    whole["context"][name] = value
    path.write_text(json.dumps(whole))
    said = devlab("check", "--format", "json", cwd=tmp_path / "work")
    assert said.code == 2
    assert not said.out
    assert ".devlab/manifest.json" in said.err
    assert words in said.err
    assert "git checkout -- .devlab" in said.err


@pytest.mark.parametrize("change", ["new variable", "dropped variable"])
def test_a_manifest_of_another_version_is_graded(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, change: str
) -> None:
    catalog.lab(task("only"))
    assert devlab("new", "tested", tmp_path / "work", "--no-input").code == 0
    path = tmp_path / "work" / workspace.MANIFEST
    whole = json.loads(path.read_text())
    if change == "new variable":
        del whole["context"]["size"]
    else:
        whole["context"]["colour"] = "red"
    path.write_text(json.dumps(whole))
    assert devlab("check", tmp_path / "work").code == 0
