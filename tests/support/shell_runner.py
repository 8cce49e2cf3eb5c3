"""The smallest CI system: jobs of shell commands in a YAML file, run in the sandbox one by one.

on: [push, pull_request]
jobs:
  test: {python: ["3.12", "3.13"], steps: [python ci/run_tests.py]}
  package: {needs: [test], when: {event: push, ref: main}, steps: [...], artifact: "dist/*"}
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Run
from scaffolder.checks.drawing import make_random
from scaffolder.checks.family import Family, RunnerPlace
from scaffolder.checks.pipeline.ending import LIMITS, OUTPUT_LIMIT, find_excess
from scaffolder.checks.pipeline.line import Line
from scaffolder.checks.pipeline.pythons import Interpreters
from scaffolder.checks.pipeline.runner import (
    Artifact,
    Delivered,
    Event,
    Guard,
    JobRun,
    PipelineRun,
    ProbeRun,
    Scene,
    StepRun,
    Wording,
    Work,
)
from scaffolder.checks.pipeline.sources import digest_sources
from scaffolder.checks.planting.planting import draw_probe
from scaffolder.core import yaml_source
from scaffolder.core.errors import UnavailableError
from scaffolder.core.yaml_source import Document
from scaffolder.model import Evidence
from scaffolder.sandbox import SYSTEM_PATH, Command, list_python_parts
from scaffolder.tools import wheelhouse
from scaffolder.tools.processes import Completed
from scaffolder.workspace import read_text

JOB = "CI_JOB"


@dataclass(frozen=True)
class ShellFile:
    """What the file says; all of it is in that one file, and nothing in it asks who acts."""

    document: Document

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        return self.document.data["jobs"]

    @property
    def trigger_line(self) -> int:
        return self.document.line("on")

    def why_not_started(self, event: Event, ref: str, *, tag: bool = False) -> str:
        return "" if event in self.document.data["on"] else f"on does not name {event}"

    def find_job_line(self, job_id: str) -> int | None:
        return self.document.line("jobs", job_id)

    def find_step_line(self, step: StepRun) -> int | None:
        return self.document.line("jobs", step.job_id, "steps", int(step.key))

    def find_script(self, step: StepRun) -> str:
        return step.name

    def list_guards(self) -> Sequence[Guard]:
        return ()

    def asks_who_acts(self) -> bool:
        return False


class ShellRunner:
    """A `Runner`."""

    wording = Wording(
        system="the shell",
        forgiving="may_fail",
        repeat="run the step's command in your own shell",
        deliver="give the job an artifact",
        wait="needs must name every gate",
        restrict="give the job a when: a push, and {branch}",
        versions="give the job two versions under python",
    )

    def read_file(self, run: Run, path: str) -> ShellFile:
        return ShellFile(yaml_source.load_yaml(read_text(run.snapshot, path)))

    def run(self, scene: Scene, work: Work) -> PipelineRun:
        run = work.context.run
        jobs = self.read_file(run, scene.pipeline).jobs
        return run.shared.get(("shell", scene), lambda: _Player(scene, work).play(jobs))

    def clean_log(self, lines: Sequence[str]) -> tuple[str, ...]:
        return tuple(lines)


class _Player:
    """Plays one scene."""

    def __init__(self, scene: Scene, work: Work) -> None:
        self._scene = scene
        self._work = work
        self._run = work.context.run
        self._root = Path(tempfile.mkdtemp(prefix="", dir=self._run.scratch))
        self._jobs: list[JobRun] = []
        self._steps: list[StepRun] = []
        self._artifacts: list[Artifact] = []

    def play(self, jobs: Mapping[str, Mapping[str, Any]]) -> PipelineRun:
        run, scene, copy = self._run, self._scene, self._root / "work"
        shutil.copytree(run.snapshot, copy)
        known = run.shared.get("pythons", lambda: wheelhouse.list_interpreters(run.cancel))
        probe = draw_probe(make_random(run, *map(str, astuple(scene))), copy)
        store = run.folder("uploaded")
        version_of = Interpreters(known).version_of
        with Line(self._root, store, probe.quiz, version_of, job_variable=JOB) as line:
            self._work.plant(copy, probe.at(line.address, JOB))
            for job_id, job in jobs.items():
                red = {one.id for one in self._jobs if one.result == "failure"}
                if self._is_meant(job) and red.isdisjoint(job.get("needs", ())):
                    for leg in [{"python": one} for one in job.get("python", ())] or [{}]:
                        self._play_leg(job_id, job, leg, _find_python(known, leg), line)
        return PipelineRun(
            scene=scene,
            jobs=tuple(self._jobs),
            steps=tuple(self._steps),
            artifacts=tuple(self._artifacts),
            probes=tuple(ProbeRun(one.version, one.environment.get(JOB, "")) for one in line.ran),
            sources=digest_sources(copy),
            command=f"sh {scene.pipeline}",
        )

    def _is_meant(self, job: Mapping[str, Any]) -> bool:
        scene, when = self._scene, job.get("when", {})
        here = {"event": scene.event, "ref": f"{'tag ' if scene.tag else ''}{scene.branch}"}
        return all(here[key] == value for key, value in when.items())

    def _play_leg(
        self,
        job_id: str,
        job: Mapping[str, Any],
        matrix: Mapping[str, str],
        python: Path,
        line: Line,
    ) -> None:
        folder = Path(tempfile.mkdtemp(prefix="", dir=self._root))
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(python)
        shutil.copytree(self._root / "work", folder / "work")
        soft = bool(job.get("may_fail"))
        result = "success"
        for index, script in enumerate(job["steps"]):
            done = self._run_step(job_id, script, folder, python, line)
            result = "success" if done.ok else "failure"
            log = tuple((done.stdout + done.stderr).splitlines())
            self._steps.append(
                StepRun(
                    *(job_id, job_id, str(index), script, len(self._steps), matrix, result, False),
                    log=log,
                    forgiven=soft,
                )
            )
            if not done.ok:
                break
        self._jobs.append(JobRun(job_id, job_id, matrix, result, soft))
        if result == "success" and "artifact" in job:
            files = sorted((folder / "work").glob(job["artifact"]))
            kept = tuple(Delivered(file.name, file) for file in files)
            self._artifacts.append(Artifact(job_id, job_id, kept))

    def _run_step(
        self, job_id: str, script: str, folder: Path, python: Path, line: Line
    ) -> Completed:
        command = Command(
            argv=("/bin/sh", "-c", script),
            cwd=folder / "work",
            timeout=self._work.context.timeout,
            env={"PATH": f"{folder / 'bin'}:{SYSTEM_PATH}", JOB: job_id},
            visible=list_python_parts(python),
            writable=(folder, line.folder),
            limits=LIMITS,
            output_limit=OUTPUT_LIMIT,
        )
        done = self._run.sandbox.run(command, self._run.cancel)
        excess = find_excess(done, self._scene, command.timeout, Evidence(ran=script), step=script)
        if excess is not None:
            raise excess
        return done


def _find_python(known: Iterable[tuple[int, Path]], leg: Mapping[str, str]) -> Path:
    found = wheelhouse.choose_preferred(known)
    minor = int(leg["python"].removeprefix("3.")) if leg else max(found)
    if minor not in found:
        raise UnavailableError(f"Python 3.{minor} is not here")
    return found[minor]


RUNNER = ShellRunner()
FAMILY = Family(
    name="shell",
    package="tests.support",
    kinds={},
    runners={"pipeline.yml": RunnerPlace("shell_runner:RUNNER", frozenset({SANDBOX}))},
)
