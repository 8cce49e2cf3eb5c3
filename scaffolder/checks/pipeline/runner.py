"""The protocol between the kinds `pipeline.*` and a CI system, which runs a learner's pipeline.

A family that runs pipelines says in its family.py for which files it does so. Its runner plays a
scene, an event with something planted in the work, and says what came of it: jobs, steps, artifacts
and what excuses a red step. What that means is for the kinds to say, and the same for all systems.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from scaffolder.checks import families
from scaffolder.checks.context import Context, Run
from scaffolder.checks.family import Family
from scaffolder.checks.pipeline.pythons import Version
from scaffolder.checks.planting.planting import Plant

Event = Literal["push", "pull_request"]

# As the repository of a scene: one that is not of whoever acts in it. No name of a repository.
ELSEWHERE = "*"


@dataclass(frozen=True)
class Scene:
    """What is played: an event on a branch, with something planted under the name `change`.

    `pipeline` is the path of the pipeline's file. For a pull request `branch` is the branch that it
    wants to be merged into; with `tag` it is the name of a tag that is pushed. `home` is the
    repository's default branch, `repository` one that the pipeline asks for, "" for any, and
    ELSEWHERE for one that is not of whoever acts in it.
    """

    pipeline: str
    event: Event
    branch: str
    change: str
    home: str
    tag: bool = False
    repository: str = ""

    @property
    def words(self) -> str:
        """The event as a person would say it."""
        if self.event == "pull_request":
            return f"a pull request to {self.branch}"
        return f"a push {'of the tag' if self.tag else 'to'} {self.branch}"


@dataclass(frozen=True)
class Work:
    """The learner's work, and what is planted in the copy of it that a scene is played in.

    `plant(copy, probe)` is called once for each copy, after the work as it was is committed.
    """

    context: Context
    plant: Plant


@dataclass(frozen=True)
class JobRun:
    """What one job, or one leg of a job's matrix, came to.

    `path` is its way through pipelines that call each other ("CI/test", "CI/call/ci.yml/test"),
    `id` its name in its file; legs of a matrix share both. `forgiven` says that a failure of it
    turns nothing red.
    """

    path: str
    id: str
    matrix: Mapping[str, Any]
    result: str
    forgiven: bool = False


@dataclass(frozen=True)
class StepRun:
    """One step of a job that was reached; steps inside a step of the file belong to it.

    `key` names the step within its pipeline whatever the matrix; `position` counts the steps of
    the job in the order in which they ran. `result` is "failure" for a red one. `tolerated` is a
    failure with which its job goes on, `forgiven` one of a job whose failures turn nothing red, and
    `cancelled` one that the runner brought about. An `auxiliary` step is done around those of the
    file. `wants` is what it asked for that is not here.
    """

    job: str
    job_id: str
    key: str
    name: str
    position: int
    matrix: Mapping[str, Any]
    result: str
    tolerated: bool
    log: tuple[str, ...]
    forgiven: bool = False
    cancelled: bool = False
    auxiliary: bool = False
    wants: frozenset[str] = frozenset()

    @property
    def place(self) -> tuple[str, str]:
        """The step's identity across runs of the same pipeline."""
        return (self.job, self.key)

    @property
    def failed(self) -> bool:
        """Whether it stopped its job."""
        return self.result == "failure" and not self.tolerated

    @property
    def red(self) -> bool:
        """Whether it turned the pipeline red."""
        return self.failed and not self.forgiven


@dataclass(frozen=True)
class ProbeRun:
    """A planted test that ran: in which job, and on which Python.

    The version is the one that the job asked for, where another one plays it; None where it is not
    known.
    """

    version: Version | None
    job: str


@dataclass(frozen=True)
class Delivered:
    """One file of an artifact: its name below the artifact's root, and where it is kept."""

    name: str
    kept: Path


@dataclass(frozen=True)
class Artifact:
    """What a pipeline uploaded under a name."""

    name: str
    job: str
    files: tuple[Delivered, ...]


@dataclass(frozen=True)
class Excuse:
    """Why a red step shows nothing about the work: it asked for `wanted`, which is not here."""

    step: StepRun
    wanted: tuple[str, ...]


@dataclass(frozen=True)
class PipelineRun:
    """How a scene went. `probes` are the planted tests that ran, `sources` the Python files of the
    copy, with digests of their contents, and `command` is what a person would run."""

    scene: Scene
    jobs: tuple[JobRun, ...]
    steps: tuple[StepRun, ...]
    artifacts: tuple[Artifact, ...]
    probes: tuple[ProbeRun, ...]
    sources: Mapping[str, str]
    command: str

    @property
    def failures(self) -> tuple[StepRun, ...]:
        """The steps that turned it red by their own fault."""
        return tuple(step for step in self.steps if step.red and not step.wants)

    @property
    def excuses(self) -> tuple[Excuse, ...]:
        """Why steps turned it red that show nothing: what they ask for is not here."""
        return tuple(
            Excuse(step, tuple(sorted(step.wants)))
            for step in self.steps
            if step.red and step.wants
        )

    def failures_beside(self, base: PipelineRun) -> tuple[StepRun, ...]:
        """Return the steps that are red here and not in `base`, where nothing was broken.

        What a step asked for in vain in both is no reason for a red that only one of them has.
        """
        before = {step.place: step.wants for step in base.steps}
        red = {step.place for step in base.steps if step.red}
        return tuple(
            step
            for step in self.steps
            if step.red and step.place not in red
            if not step.wants - before.get(step.place, frozenset())
        )

    @property
    def red(self) -> bool:
        """Whether the CI system would call it failed, for a reason that is not this machine's."""
        return bool(self.failures)

    @property
    def forgiven(self) -> tuple[StepRun, ...]:
        """The steps that failed and were told not to matter."""
        return tuple(step for step in self.steps if step.result == "failure" and not step.red)


@dataclass(frozen=True)
class Guard:
    """A condition of a job, or of a step in it, and a repository that it may ask for."""

    job: str
    condition: str
    repository: str


class PipelineFile(Protocol):
    """What the file of a pipeline says, as far as verdicts rest on it."""

    @property
    def trigger_line(self) -> int:
        """The line on which it says what starts it."""

    def why_not_started(self, event: Event, ref: str, *, tag: bool = False) -> str:
        """Return why an event would not start it, "" where it would; `ref` is a branch or a tag.

        Raises CheckFailedError for a filter that the CI system cannot read.
        """

    def find_job_line(self, job_id: str) -> int | None:
        """Return the line where a job begins, None where it is in another file."""

    def find_step_line(self, step: StepRun) -> int | None:
        """Return the line where a step, or else its job, begins; None where it is elsewhere."""

    def find_script(self, step: StepRun) -> str:
        """Return the script of a step, "" where it has none, or is in another file."""

    def list_guards(self) -> Sequence[Guard]:
        """Return its conditions that ask for one repository or its owner, one a repository."""

    def asks_who_acts(self) -> bool:
        """Whether anything in it has to do with whose repository it is, or who acts in it."""


@dataclass(frozen=True)
class Wording:
    """How a CI system says it. `system` is its name, `forgiving` what lets a failure pass.

    The rest are hints: `repeat` on a step that is red, `deliver` where nothing is delivered,
    `wait` where a job does not wait for the gates, `restrict` where it delivers from elsewhere
    (with the branch as {branch}), `versions` where too few Pythons are tested on.
    """

    system: str
    forgiving: str
    repeat: str
    deliver: str
    wait: str
    restrict: str
    versions: str


class Runner(Protocol):
    """A CI system on this machine."""

    @property
    def wording(self) -> Wording:
        """How this system says things."""

    def read_file(self, run: Run, path: str) -> PipelineFile:
        """Return what the pipeline at `path` of the learner's work says.

        Raises UnusableFileError where it cannot be read as one.
        """

    def run(self, scene: Scene, work: Work) -> PipelineRun:
        """Play a scene and return what came of it; checks that ask for the same one share it.

        Nothing that a step sees may tell what is planted, or what for. Raises CheckFailedError
        where the pipeline cannot run or takes longer than it may, NotShownError where it needs what
        is not here, UnavailableError where the lab's own answer cannot run here either.
        """

    def clean_log(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Return lines of a log without the folders in which the pipeline was played."""


def find_runner(path: str) -> Runner:
    """Return what runs the pipeline at `path`; ValueError where nothing does."""
    family, pattern = find_family(path)
    runner: Runner = family.load_runner(pattern)
    return runner


def find_family(path: str) -> tuple[Family, str]:
    """Return the family that runs the pipeline at `path`, and under which pattern it does so."""
    known = [(family, pattern) for family in families.FAMILIES for pattern in family.runners]
    for family, pattern in known:
        if fnmatch.fnmatchcase(path, pattern):
            return family, pattern
    patterns = ", ".join(pattern for _, pattern in known)
    raise ValueError(f"no pipeline at {path} can be run; known are {patterns}")


def read_file(run: Run, path: str) -> PipelineFile:
    """Return what the pipeline at `path` says; raises as the method of Runner."""
    return find_runner(path).read_file(run, path)
