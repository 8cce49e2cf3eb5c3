"""What every test may use, and the list of what was not tested at the end of a run."""

from __future__ import annotations

import functools
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from scaffolder.checks.docker.tools import ENGINE
from scaffolder.checks.families import FAMILIES, list_tools
from scaffolder.checks.github import rehearsal_stage
from scaffolder.checks.github.rehearsal_stage import build_stage
from scaffolder.grading.cache import store
from scaffolder.model.tool import Tool
from scaffolder.proving import memory
from scaffolder.tools.engine import building
from tests.support.command import Devlab
from tests.support.labs import Catalog
from tests.support.stages import Stages

# Projects of learners, with tests of their own.
collect_ignore = ["examples"]

# How long an example takes is the machine's to say: on a busy one any deadline is missed.
settings.register_profile("pull-request", deadline=None, max_examples=50)
# HYPOTHESIS_PROFILE=thorough: many examples, for a night; tests that take seconds each look at it.
settings.register_profile("thorough", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "pull-request"))
# What a shell starts in the background ignores Ctrl-C, and so would all commands that are tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@functools.cache
def why_no_engine() -> str:
    """Say why no Docker Engine can be used here; nothing where one can."""
    if os.environ.get("DEVLAB_TEST_NO_ENGINE"):
        return "asked to go without a Docker Engine"
    from scaffolder.core.errors import UnavailableError
    from scaffolder.tools import engine

    try:
        engine.connect()
    except UnavailableError as error:
        return error.message
    return ""


@functools.cache
def why_not(marker: str) -> str:
    """Say why what a marker names cannot be used here; nothing where it can.

    A marker is the id of a tool, or the name of a family: then all of its tools are meant.
    """
    family = next((one for one in FAMILIES if one.name == marker), None)
    tools = family.tools if family else [one for one in list_tools() if one.id == marker]
    return next((trouble for tool in tools if (trouble := why_no_tool(tool))), "")


def why_no_tool(tool: Tool) -> str:
    """Say why a tool cannot be used here; nothing where it can."""
    return why_no_engine() if tool is ENGINE else tool.find_trouble()


MARKERS = {
    **{tool.id: f"needs {tool.title}" for tool in list_tools()},
    **{one.name: f"needs all tools of the family {one.name}" for one in FAMILIES if one.tools},
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes half a minute or more")
    for marker, needs in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {needs}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes long first, so that no processor waits for another at the end."""
    slow = ("slow", *MARKERS)
    items.sort(key=lambda item: all(item.get_closest_marker(one) is None for one in slow))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in MARKERS:
        if item.get_closest_marker(marker) is not None and (why := why_not(marker)):
            pytest.skip(f"{marker}: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not tested and why: a skipped test must not look like a passed one."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("not tested here")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:>4}  {reason}")


@pytest.fixture(autouse=True)
def _own_state(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep devlab's logs and packs out of the user's home; caches are shared, as in real life."""
    own = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("XDG_STATE_HOME", str(own / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(own / "data"))
    monkeypatch.delenv("DEVLAB_LABS", raising=False)
    # pytest-xdist sets it, and what is printed would be broken as in a terminal.
    monkeypatch.delenv("COLUMNS", raising=False)
    # A proof that is remembered from another test would hide that nothing was graded.
    monkeypatch.setattr(memory, "find_default_folder", lambda: tmp_path / "proofs")
    monkeypatch.setattr(store, "find_verdicts_folder", lambda: tmp_path / "verdicts")


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a test a home and packs that no other test sees."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def devlab(monkeypatch: pytest.MonkeyPatch) -> Devlab:
    """Run a devlab command in this process, as the shell would see it."""
    return Devlab(monkeypatch)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Stand a small catalog in for the real one."""
    return Catalog(tmp_path / "catalog", monkeypatch)


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """The stages of rehearsals that tests of this process share."""
    return Stages(lambda: tmp_path_factory.mktemp("stage"))


@pytest.fixture
def shared_stage(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a test's rehearsals run on a stage that other tests use as well."""
    monkeypatch.setattr(rehearsal_stage, "build_stage", stages.find)


@pytest.fixture
def own_stage(shared_stage: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a test build its stage as every run does, where the others of its file share one."""
    monkeypatch.setattr(rehearsal_stage, "build_stage", build_stage)


@pytest.fixture(params=["buildkit", "classic"])
def builder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a test build with each of the two builders."""
    if request.param == "classic":
        monkeypatch.setattr(building, "find_buildkit_cli", lambda: "")
    elif not building.find_buildkit_cli():
        pytest.skip("no docker command here has BuildKit")
    return str(request.param)
