"""What a checkout of a rehearsal fetches: what GitHub would send for the event, and no more."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from scaffolder.checks.github.rehearsal_event import (
    Commits,
    Event,
    Happening,
    Repository,
    draw_identity,
    serve_repository,
)
from scaffolder.checks.github.rehearsal_stage import STANDINS
from scaffolder.tools.processes import CancelToken

ACTION = yaml.safe_load((STANDINS / "actions/checkout/action.yml").read_text("utf-8"))
SCRIPT = ACTION["runs"]["steps"][0]
NOWHERE = "0" * 40


class Runner:
    """A job of an event whose repository has two commits, app.py in the first and new.py on top."""

    def __init__(self, root: Path, event: Event, ref: str, tag: bool = False) -> None:
        self.root = root
        for name in ("home", "job", "work"):
            (root / name).mkdir()
        (root / "work/app.py").write_text("ANSWER = 42\n")
        (root / "work/.gitignore").write_text("*.log\n")
        (root / "work/left.log").write_text("of the learner's own machine\n")
        self.happening = Happening(event, ref, tag, "main", draw_identity(random.Random(1)))
        repository = Repository(root / "work", self.happening, CancelToken())
        base = repository.commit_work()
        (root / "work/new.py").write_text("NEW = 1\n")
        self.commits: Commits = repository.commit_change(base)
        serve_repository(root / "work", self.happening.identity.repository, root / "home")
        kind = "tags" if tag else "heads"
        self.ref = (
            f"refs/pull/{self.happening.number}/merge"
            if event == "pull_request"
            else f"refs/{kind}/{ref}"
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "GITHUB_WORKSPACE": str(self.root / "job"),
            "GITHUB_REPOSITORY": self.happening.identity.repository,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REF": self.ref,
            "GITHUB_SHA": self.commits.merged,
            "GITHUB_OUTPUT": str(self.root / "output"),
        }

    def check_out(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        default = {name: each["default"] for name, each in ACTION["inputs"].items()}
        default["repository"] = self.happening.identity.repository
        told = {
            variable: {**default, **given}[value.split()[1].removeprefix("inputs.")]
            for variable, value in SCRIPT["env"].items()
        }
        return self._run(SCRIPT["run"].replace('"$DEVLAB_PYTHON"', "echo lacking"), told)

    def step(self, script: str) -> str:
        """Return what a step of the job prints, its exit code behind it where it is not 0."""
        done = self._run(f"cd job; {script}", {})
        return done.stdout.strip() + (f" exit {done.returncode}" if done.returncode else "")

    def _run(self, script: str, told: dict[str, str]) -> subprocess.CompletedProcess[str]:
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
        environment = {**self.environment, **told}
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )


EVENTS = [
    ("push", "main", False),
    ("push", "main-next/main", False),
    ("push", "main-1.0", True),
    ("pull_request", "main", False),
]


@pytest.fixture(params=EVENTS, ids=lambda each: f"{each[0]}-{each[1]}".replace("/", "-"))
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    return Runner(tmp_path, *request.param)


def test_one_commit_is_fetched_by_default(runner: Runner) -> None:
    done = runner.check_out()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert runner.step("git rev-parse HEAD") == runner.commits.merged
    assert runner.step("git rev-list --count HEAD") == "1"
    assert runner.step("ls") == "app.py\nnew.py"
    assert runner.step("git status --porcelain --ignored") == ""
    assert "exit" in runner.step("git diff HEAD^")
    assert f"commit={runner.commits.merged}" in (runner.root / "output").read_text()


def test_the_whole_history_is_there_where_it_is_asked_for(runner: Runner) -> None:
    assert runner.check_out(fetch_depth="0").returncode == 0

    assert runner.step("git diff --name-only HEAD^") == "new.py"
    assert runner.step("git rev-parse --is-shallow-repository") == "false"
    assert runner.step("git rev-parse --verify --quiet origin/main") in (
        runner.commits.base,
        runner.commits.head,
    )


def test_a_pull_request_has_its_base_only_with_the_history(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "pull_request", "main")

    runner.check_out()
    assert "exit" in runner.step("git diff --name-only origin/main")
    assert "exit" in runner.step(f"git diff --name-only {runner.commits.base}")
    assert runner.step("git fetch --quiet origin main; git diff --name-only FETCH_HEAD") == "new.py"

    runner.check_out(fetch_depth="2")
    assert runner.step("git diff --name-only HEAD^1") == "new.py"
    assert runner.step("git rev-list --count HEAD") == "3"

    runner.check_out(fetch_depth="0")
    assert runner.step("git diff --name-only origin/main...") == "new.py"


@pytest.mark.parametrize(("depth", "commits"), [("none", "2"), ("-1", "2"), ("0", "2"), ("", "1")])
def test_a_depth_that_is_no_number_is_all(tmp_path: Path, depth: str, commits: str) -> None:
    runner = Runner(tmp_path, "push", "main")

    assert runner.check_out(fetch_depth=depth).returncode == 0

    assert runner.step("git rev-list --count HEAD") == commits


def test_another_ref_is_checked_out_by_its_name(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "pull_request", "main")
    topic = runner.happening.identity.topic

    for ref, commit, branch in (
        ("main", runner.commits.base, "main"),
        ("refs/heads/main", runner.commits.base, "main"),
        (topic, runner.commits.head, topic),
        (runner.commits.head, runner.commits.head, ""),
        (f"refs/pull/{runner.happening.number}/head", runner.commits.head, ""),
    ):
        assert runner.check_out(ref=ref).returncode == 0, ref
        assert runner.step("git rev-parse HEAD") == commit, ref
        assert runner.step("git branch --show-current") == branch, ref


@pytest.mark.parametrize("ref", ["nothing-of-that-name", NOWHERE, "refs/heads/none", "--help"])
def test_a_ref_that_is_not_there_fails(tmp_path: Path, ref: str) -> None:
    assert Runner(tmp_path, "push", "main").check_out(ref=ref).returncode != 0


def test_tags_come_where_they_are_asked_for(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "push", "v1.0", tag=True)
    branch = {"ref": "main"}

    runner.check_out(**branch)
    assert runner.step("git tag") == ""
    runner.check_out(**branch, fetch_tags="true")
    assert runner.step("git tag") == "v1.0"


def test_a_checkout_in_a_folder_leaves_the_others(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "push", "main")

    assert runner.check_out(path="one").returncode == 0
    assert runner.check_out(path="two", ref=runner.commits.base).returncode == 0

    assert runner.step("ls one two") == "one:\napp.py\nnew.py\n\ntwo:\napp.py"
    assert runner.check_out(path=f"{tmp_path}/job/three").returncode == 0
    assert runner.step("cd three; git rev-parse --show-toplevel") == f"{tmp_path}/job/three"
    for outside in ("../elsewhere", f"{tmp_path}/jobs", "/tmp"):
        assert "is not under" in runner.check_out(path=outside).stdout


def test_a_checkout_begins_with_an_empty_workspace(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "push", "main")
    runner.step("mkdir built; touch built/a .hidden -- -rf")

    runner.check_out()
    assert runner.step("ls -A") == ".git\n.gitignore\napp.py\nnew.py"

    runner.step("echo broken > app.py; touch more.log")
    runner.check_out(clean="false")
    assert runner.step("ls -A") == ".git\n.gitignore\napp.py\nmore.log\nnew.py"
    runner.check_out()
    assert runner.step("ls -A; cat app.py").endswith("new.py\nANSWER = 42")


def test_some_folders_alone_are_checked_out(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "push", "main")

    assert (
        runner.check_out(sparse_checkout="new.py", sparse_checkout_cone_mode="false").returncode
        == 0
    )
    assert runner.step("ls") == "new.py"
    assert runner.check_out().returncode == 0
    assert runner.step("ls") == "app.py\nnew.py"


def test_a_repository_that_is_not_here_is_said_to_be_lacking(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "push", "main")

    assert "the repository else/where" in runner.check_out(repository="else/where").stdout
    own = runner.happening.identity.repository
    assert runner.check_out(repository=own.upper()).stdout == ""


def test_the_address_of_the_repository_leads_to_it(tmp_path: Path) -> None:
    runner = Runner(tmp_path, "push", "main")
    address = shlex.quote(f"https://github.com/{runner.happening.identity.repository}.git")

    assert runner.step(f"git clone --quiet {address} mine; ls mine") == "app.py\nnew.py"
