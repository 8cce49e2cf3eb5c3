"""docs/workflows/devlab.yml: valid, with no more rights than it needs, and run by act for real."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffolder import __version__
from scaffolder.checks.context import Run
from scaffolder.checks.github import act, schemas, zizmor
from scaffolder.checks.github.rehearsal import lay_out_folders
from scaffolder.checks.github.rehearsal_event import serve_repository
from scaffolder.checks.github.rehearsal_line import open_line
from scaffolder.checks.github.rehearsal_stage import RehearsalStage, build_stage, make_stand_ins
from scaffolder.checks.pipeline.line import Line
from scaffolder.checks.planting.quiz import Quiz
from scaffolder.core.errors import UnavailableError
from scaffolder.sandbox import OwnWork
from scaffolder.tools import git, processes, uv_cache, wheelhouse
from scaffolder.tools.processes import CancelToken, Ending
from tests.support.command import Devlab
from tests.support.kept import make_once
from tests.support.packs import write_lab, write_template
from tests.test_report_github import run

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / "docs" / "workflows" / "devlab.yml"
PLACE = ".github/workflows/devlab.yml"
TEXT = WORKFLOW.read_text("utf-8")
PARSED: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = PARSED["jobs"]
USED = re.findall(r"uses: (\S+)(?: # (v[\d.]+))?", TEXT)

TASK = """\
  - id: clean
    title: The Dockerfile is clean
    points: 10
    hints: [read what hadolint says]
    checks:
      - {id: no-finding, kind: dockerfile.lint}
"""
START = "FROM python:3.13-slim\nCMD python -m http.server\n"
SOLUTION = 'FROM python:3.13-slim\nCMD ["python", "-m", "http.server"]\n'
GRADE = '        run: devlab check --format github "$DEVLAB_WORKSPACE"\n'
# Says what that step left for GitHub; act keeps it to itself.
TELL = """\
        run: |
          trap 'cat "$GITHUB_OUTPUT" "$GITHUB_STEP_SUMMARY"' EXIT
          devlab check --format github "$DEVLAB_WORKSPACE"
"""


def test_it_is_valid() -> None:
    # PyYAML takes the key `on` for a truth value, as YAML 1.1 has it.
    data = {{True: "on"}.get(key, key): value for key, value in PARSED.items()}
    assert schemas.find_workflow_problems(data) == ()


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    target = tmp_path / "work" / PLACE
    target.parent.mkdir(parents=True)
    shutil.copy(WORKFLOW, target)
    found = zizmor.audit(
        tmp_path / "work",
        min_severity="low",
        min_confidence="low",
        cancel=CancelToken(),
        timeout=60,
    )
    assert found == ()


def test_each_job_has_least_privilege_and_a_limit() -> None:
    assert PARSED["permissions"] == {}
    assert JOBS["grade"]["permissions"] == {"contents": "read"}
    rights = JOBS["code-scanning"]["permissions"]
    assert {name for name, right in rights.items() if right == "write"} == {"security-events"}
    assert all(job["timeout-minutes"] for job in JOBS.values())


def test_actions_are_pinned_and_say_their_version() -> None:
    assert len(USED) == 5
    assert all(re.search(r"@[0-9a-f]{40}$", reference) for reference, _ in USED)
    assert all(version for _, version in USED)


def test_without_a_variable_this_version_is_installed() -> None:
    assert f"devlab@v{__version__}'" in JOBS["grade"]["env"]["DEVLAB_INSTALL"]


@dataclass(frozen=True)
class Graded:
    """What a push came to."""

    jobs: dict[str, str]
    log: str
    uploaded: Mapping[str, Path]
    alerts: Path


class Runner:
    """Plays GitHub's runner for pushes to learners' repositories."""

    def __init__(self, stage: RehearsalStage, links: Mapping[str, str], pack: Path) -> None:
        self._stage = stage
        self._links = links
        self._pack = pack

    def push(self, work: Path, **variables: str) -> Graded:
        """Run the workflow in a repository of the learner's files."""
        own = Path(tempfile.mkdtemp(prefix="push-", dir=work.parent))
        store, alerts = own / "store", own / "alerts"
        for place in (store, alerts):
            place.mkdir()
        self._install(work)
        line = open_line(own, store, Quiz(3, 5, 10**6), self._stage.interpreters)
        with line:
            done = self._run_act(work, own, line, variables)
        assert done.ending is Ending.EXITED, done.tail(20)
        files = {
            Path(file.name).name: file.kept for one in line.artifacts.values() for file in one.files
        }
        return _graded(done.stdout, done.stderr, files, alerts)

    def _run_act(
        self, work: Path, own: Path, line: Line, variables: Mapping[str, str]
    ) -> processes.Completed:
        environment = lay_out_folders(self._stage, own, line)
        serve_repository(work, "l/work", own / "home")
        # Whose repository it is, act learns from its remote.
        address = "https://github.com/l/work"
        git.run_as(work, "l", "config", "remote.origin.url", address, cancel=CancelToken())
        uv_cache.link(self._stage.uv_cache, own / "uv-cache", CancelToken())
        (own / "event.json").write_text(
            json.dumps({"ref": "refs/heads/main", "repository": {"full_name": "l/work"}})
        )
        argv = act.make_command(
            "push",
            workflow=PLACE,
            payload=own / "event.json",
            actions=self._actions(own),
            actor="l",
            labels=["ubuntu-24.04"],
            concurrent_jobs=1,
        )
        told = {
            "DEVLAB_INSTALL": f"devlab=={__version__}",
            "DEVLAB_PACK": str(self._pack),
            **variables,
        }
        for name, value in told.items():
            argv += ["--var", f"{name}={value}"]
        return processes.run(
            argv,
            cwd=work,
            env={**self._stage.environment, **self._links, **environment, "LANG": "C.UTF-8"},
            timeout=600,
            cancel=CancelToken(),
            output_limit=32 * 1024 * 1024,
        )

    def _install(self, work: Path) -> None:
        """Put the workflow where it belongs, with a step that tells what act hides."""
        assert TEXT.count(GRADE) == 1
        target = work / PLACE
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(TEXT.replace(GRADE, TELL))
        git.commit_all(work, "the work", cancel=CancelToken())

    def _actions(self, own: Path) -> dict[str, Path]:
        folder = own / "actions"
        references = {reference for reference, _ in USED}
        (scanning,) = (each for each in references if "upload-sarif" in each)
        settings = own / "settings.json"
        chosen = make_stand_ins(references - {scanning}, folder, settings, self._stage.python)
        upload = folder / "codeql-action" / "upload-sarif"
        upload.mkdir(parents=True)
        script = 'cp "$FILE" "$TARGET"'
        env = {"FILE": "${{ inputs.sarif_file }}", "TARGET": str(own / "alerts")}
        (upload / "action.yml").write_text(
            json.dumps(
                {
                    "name": "alerts",
                    "inputs": {"sarif_file": {"required": True}},
                    "runs": {
                        "using": "composite",
                        "steps": [{"shell": "bash", "env": env, "run": script}],
                    },
                }
            )
        )
        ref = scanning.partition("@")[2]
        return {**chosen, f"github/codeql-action@{ref}": upload.parent}


def _graded(stdout: str, stderr: str, files: Mapping[str, Path], alerts: Path) -> Graded:
    record = act.read_log(stdout, stderr)
    log = "\n".join(line for step in record.steps for line in step.log)
    assert record.jobs, record.errors
    return Graded({job.id: job.result for job in record.jobs}, log, files, alerts)


@pytest.fixture(scope="module")
def wheels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the wheel of this checkout, beside those of all that it needs."""
    needed = (ROOT / "pyproject.toml").read_bytes()
    kept = make_once(request, "wheels", needed, make_wheels)
    folder = tmp_path_factory.mktemp("wheels")
    for path in kept.glob("*.whl"):
        if not path.name.startswith("devlab-"):
            shutil.copy(path, folder)
    make_wheels(folder, "--no-deps")
    return folder


def make_wheels(folder: Path, *options: str) -> None:
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", *options]
    done = processes.run(
        [*argv, "--wheel-dir", str(folder), str(ROOT)], timeout=600, cancel=CancelToken()
    )
    if not done.ok:
        pytest.skip(f"devlab's own wheels cannot be had: {' '.join(done.tail(1))}")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Iterator[Runner]:
    """Prepare a runner that installs from those wheels, and a pack with a small lab."""
    folder = tmp_path_factory.mktemp("runner")
    for name in ("start", "snapshot", "scratch"):
        (folder / name).mkdir()
    made = Run(
        id="test-push",
        snapshot=folder / "snapshot",
        scratch=folder / "scratch",
        sandbox=OwnWork(folder / "scratch"),
        lab_root=folder,
        variables={},
        faults={},
        start=lambda: folder / "start",
    )
    minor = sys.version_info.minor
    with pytest.MonkeyPatch.context() as patch:
        # The wheels are for the Python of the tests, whatever the workflow asks for.
        own = {minor: Path(os.path.realpath(sys.executable))}
        patch.setattr(wheelhouse, "choose_preferred", lambda _: own)
        try:
            stage = build_stage(made)
        except UnavailableError as error:
            pytest.skip(error.message)
    links = {"PIP_FIND_LINKS": " ", "UV_FIND_LINKS": ","}
    sources = {
        name: f"{stage.environment[name]}{mark}{wheels.as_uri()}" for name, mark in links.items()
    }
    pack = folder / "pack"
    lab = write_lab(pack, "lint", TASK)
    (lab / "start" / "Dockerfile").write_text(START)
    (lab / "solution" / "Dockerfile").write_text(SOLUTION)
    write_template(pack)
    yield Runner(stage, sources, pack)
    made.shared.close()


@pytest.fixture
def work(devlab: Devlab, runner: Runner, tmp_path: Path, own_home: None) -> Path:
    """A learner's repository as `devlab new` makes it."""
    assert devlab("pack", "add", runner._pack).code == 0
    said = devlab("new", "pack/lint", tmp_path / "work", "--no-input")
    assert said.code == 0, said.err
    return tmp_path / "work"


def test_a_learner_pushes_a_start_and_then_the_answer(runner: Runner, work: Path) -> None:
    """One test for both: preparing the runner takes longer than all the rest."""
    graded = runner.push(work, DEVLAB_CODE_SCANNING="true")
    assert graded.jobs == {"grade": "failure", "code-scanning": "success"}, graded.log
    _says_what_is_wrong(graded)
    (work / "Dockerfile").write_text(SOLUTION)
    graded = runner.push(work)
    assert graded.jobs == {"grade": "success"}, graded.log
    assert run(graded.log) == []
    assert "outcome=pass" in graded.log.splitlines()
    assert "## 10 of 10 points · A lab for tests" in graded.log
    assert graded.uploaded["devlab.sarif"].is_file()


def _says_what_is_wrong(graded: Graded) -> None:
    # act marks the lines that it takes for commands.
    (command,) = run("\n".join(line.strip(" ❗") for line in graded.log.splitlines()))
    assert command.name == "error"
    assert command.properties["file"] == "Dockerfile"
    assert command.properties["line"] == "2"
    assert "DL3025" in command.value
    for told in ("score=0", "gradable=10", "total=10", "outcome=fail"):
        assert told in graded.log.splitlines()
    assert "| ❌ fail | clean | The Dockerfile is clean | 0/10 |" in graded.log
    report = json.loads(graded.uploaded["report.json"].read_text("utf-8"))
    assert report["score"] == {"earned": 0, "gradable": 10, "total": 10, "not_shown": 0}
    alerts = json.loads((graded.alerts / "devlab.sarif").read_text("utf-8"))
    assert [result["ruleId"] for result in alerts["runs"][0]["results"]] == ["DL3025"]
