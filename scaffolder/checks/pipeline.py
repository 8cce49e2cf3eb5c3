"""The kinds `pipeline.*`: what a learner's pipeline does when it is really run.

Every kind looks at rehearsals (see rehearsal.py), which the checks of a run share.
"""

from __future__ import annotations

import fnmatch
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

from scaffolder.checks import planting, workflow_model
from scaffolder.checks.base import CheckFailedError, Context, Kind
from scaffolder.checks.rehearsal import (
    Artifact,
    Event,
    Rehearsal,
    Scene,
    rehearse,
    require_network_is_not_to_blame,
    why_not_started,
)
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools.act import Step

DEFAULT = ".github/workflows/ci.yml"
LOG_LINES = 15


class _Pipeline(Kind, frozen=True, kw_only=True):
    """What every kind of the family needs to know: which workflow."""

    workflow: str = DEFAULT


class Passes(_Pipeline, frozen=True, kw_only=True):
    """The pipeline is green on the healthy app.

    Runs the workflow with act on a copy of the work in which nothing is broken: a harmless change
    of the app and one more passing test are planted, so that a pipeline which is red whenever
    something changed is found out.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        event: push or pull_request; push unless given.
        branch: the branch that is pushed to, or that the pull request goes to; main unless given.
        fault: id of the harmless change in faults.yaml; none unless given.

    Passes: the event starts the workflow, at least one step ran, and no step turned it red.

    Fails: a red step (its log is the evidence), or an event that starts nothing. A step that wants
        the network, or an action that devlab cannot play, is `unavailable`.

    Example:
        - id: green-when-healthy
          kind: pipeline.passes
          event: push
          fault: harmless-comment
    """

    event: Event = "push"
    branch: str = "main"
    fault: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """The harmless change."""
        return (self.fault,) if self.fault else ()

    def run(self, context: Context) -> Verdict:
        """Rehearse the healthy app."""
        _require_started(context, self.workflow, self.event, self.branch)
        rehearsal = _healthy(context, self.workflow, self.event, self.branch, self.fault)
        require_network_is_not_to_blame(rehearsal)
        if rehearsal.red:
            return _red_when_healthy(context, rehearsal)
        if not rehearsal.record.steps:
            return failed(f"no job runs for {rehearsal.scene.words}, so nothing is checked")
        jobs = ", ".join(dict.fromkeys(job.id for job in rehearsal.record.jobs))
        return passed(f"green for {rehearsal.scene.words}; jobs that ran: {jobs}")


class Fails(_Pipeline, frozen=True, kw_only=True):
    """The pipeline goes red on a planted fault, because of the step that should notice it.

    Plants a fault of the lab in a copy of the work and runs the workflow with act. Which step runs
    the tests is found by running, too: a planted test that fails turns exactly that step red.

    Parameters:
        fault: id of the fault in faults.yaml.
        because: tests or lint, the gate that must notice it; tests unless given.
        harmless: id of a harmless change on which the pipeline must not be red for the same
            reason; none unless given.
        workflow: path of the file; .github/workflows/ci.yml unless given.
        event: push or pull_request; push unless given.
        branch: the branch that is pushed to, or that the pull request goes to; main unless given.

    Passes: red in a step that runs the test suite (`tests`), or in a step that is green when the
        app is healthy (`lint`). A step before the tests that stops the same job is as good.

    Fails: green; red in another step; a failure that continue-on-error forgives; tests that do not
        run, or whose exit code is ignored. A step that is red on the healthy app shows nothing.

    Example:
        - id: catches-broken-health
          kind: pipeline.fails
          fault: broken-health
          because: tests
    """

    fault: str
    because: Literal["tests", "lint"] = "tests"
    harmless: str = ""
    event: Event = "push"
    branch: str = "main"

    @property
    def faults(self) -> tuple[str, ...]:
        """The fault, and the harmless change that it is compared with."""
        return tuple(each for each in (self.fault, self.harmless) if each)

    def run(self, context: Context) -> Verdict:
        """Rehearse the fault beside what it is compared with."""
        _require_started(context, self.workflow, self.event, self.branch)
        with ThreadPoolExecutor(3) as pool:
            healthy = pool.submit(
                _healthy, context, self.workflow, self.event, self.branch, self.harmless
            )
            faulty = pool.submit(
                _faulty, context, self.workflow, self.event, self.branch, self.fault
            )
            canary = pool.submit(self._canary, context)
        base, rehearsal = healthy.result(), faulty.result()
        require_network_is_not_to_blame(base)
        gate = _places(base)
        found = [step for step in rehearsal.failures if step.place not in gate]
        if not found:
            return self._not_noticed(context, rehearsal, base, canary.result())
        tests = canary.result()
        if tests is None:
            return passed(f"red for {rehearsal.scene.words}, in {_named(found[0])}")
        return self._noticed_by_tests(context, rehearsal, base, tests, found)

    def _canary(self, context: Context) -> Rehearsal | None:
        if self.because != "tests":
            return None
        return _with_canary(context, self.workflow, self.event, self.branch)

    def _noticed_by_tests(
        self,
        context: Context,
        rehearsal: Rehearsal,
        base: Rehearsal,
        canary: Rehearsal,
        found: Sequence[Step],
    ) -> Verdict:
        testing = _testing_places(canary, base)
        if not testing:
            return _tests_do_not_count(context, canary)
        for step in found:
            if step.place in testing:
                return passed(f"red for {rehearsal.scene.words}, in {_named(step)}")
        jobs = {job for job, _ in testing}
        for step in found:
            reached = {each.place for each in rehearsal.record.steps}
            if step.job in jobs and not testing & reached:
                return passed(f"red in {_named(step)}, before the tests of the same job ran")
        return failed(
            f"the pipeline is red, but not because of the tests: {_named(found[0])} failed",
            *_findings(context, rehearsal, found[:1]),
            evidence=_evidence(rehearsal, found[0], "the step that runs the tests fails"),
            hint="let the test suite notice the bug, and let its exit code decide",
        )

    def _not_noticed(
        self, context: Context, rehearsal: Rehearsal, base: Rehearsal, canary: Rehearsal | None
    ) -> Verdict:
        title = context.run.faults[self.fault].title
        if rehearsal.forgiven:
            step = rehearsal.forgiven[0]
            return failed(
                f"the pipeline stays green on a fault ({title}): {_named(step)} fails, and "
                "continue-on-error forgives it",
                *_findings(context, rehearsal, [step]),
                evidence=_evidence(rehearsal, step, "the failure turns the pipeline red"),
                hint="remove continue-on-error",
            )
        if base.red:
            return failed(
                f"the pipeline is red on the healthy app already, so it does not tell a fault "
                f"({title}) from none",
                *_findings(context, base, base.failures[:1]),
                evidence=_evidence(base, base.failures[0], "green on the healthy app"),
            )
        if canary is not None and not _testing_places(canary, base):
            return _tests_do_not_count(context, canary)
        return failed(
            f"the pipeline stays green although a fault was planted: {title}",
            Finding("no step fails on it", path=self.workflow, line=1),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"red in the step that runs the {self.because}",
                actual="green; steps that ran: " + ", ".join(_step_names(rehearsal)),
            ),
            hint=_HINTS[self.because],
        )


_HINTS = {
    "tests": "is the whole suite run, with no test deleted, deselected or skipped, and is the exit "
    "code of pytest the exit code of the step?",
    "lint": "is there a step that runs ruff check on the whole project, and is its exit code the "
    "exit code of the step?",
}


class TestsOn(_Pipeline, frozen=True, kw_only=True):
    """The tests run on several versions of Python.

    Plants a test that passes and writes down on which Python it ran, and runs the workflow with
    act. Only versions count on which that test really ran in a job whose failure counts.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        event: push or pull_request; push unless given.
        branch: the branch that is pushed to, or that the pull request goes to; main unless given.
        versions: how many different minor versions at least; 2 unless given.
        oldest: the oldest version that counts, as "3.11"; any unless given.
        fault: id of the harmless change in faults.yaml; none unless given.

    Passes: at least so many versions. A version that is not on this machine is played by the
        nearest one; what counts is the one that was asked for.

    Fails: fewer; tests that never run; a matrix that no step uses.

    Example:
        - id: two-pythons
          kind: pipeline.tests_on
          versions: 2
          oldest: "3.11"
    """

    event: Event = "push"
    branch: str = "main"
    versions: int = 2
    oldest: str = "3.0"
    fault: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """The harmless change."""
        return (self.fault,) if self.fault else ()

    def run(self, context: Context) -> Verdict:
        """Count the versions that the planted test saw."""
        _require_started(context, self.workflow, self.event, self.branch)
        rehearsal = _healthy(context, self.workflow, self.event, self.branch, self.fault)
        require_network_is_not_to_blame(rehearsal)
        seen = sorted(set(_versions(rehearsal)))
        counted = [version for version in seen if version >= _parsed(self.oldest)]
        shown = ", ".join(f"3.{minor}" for _, minor in seen) or "no version at all"
        if len(counted) >= self.versions:
            return passed(f"the tests ran on Python {shown}")
        return failed(
            f"the tests ran on {len(counted)} versions of Python from {self.oldest} on, "
            f"{self.versions} are asked for",
            *_findings(context, rehearsal, rehearsal.failures[:1]),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"a planted test runs on at least {self.versions} versions",
                actual=f"it ran on: {shown}",
            ),
            hint="give the test job a strategy.matrix of versions, and give the variable to "
            "actions/setup-python; quote them, as YAML reads 3.10 as 3.1",
        )


class Delivers(_Pipeline, frozen=True, kw_only=True):
    """A package is delivered by a push to main that passed every gate, and by nothing else.

    Runs the workflow with act for a push to main, a push to another branch and a pull request, and
    for a push to main with each of the named faults, and looks what was uploaded as an artifact.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        branch: the branch from which is delivered; main unless given.
        files: what the delivered file is called; "*.whl" unless given. A wheel must be a readable
            wheel, an archive a readable archive.
        contains: a file that must be in it; app/__init__.py unless given.
        gates: ids of faults of which each must stop the delivery.
        harmless: id of the harmless change in faults.yaml; none unless given.

    Passes: the healthy push to the branch delivers, nothing else does.

    Fails: nothing delivered; delivered for a pull request, another branch, or with a red gate; a
        file that is no package.

    Example:
        - id: delivers
          kind: pipeline.delivers
          gates: [unused-import, broken-health]
    """

    branch: str = "main"
    files: str = "*.whl"
    contains: str = "app/__init__.py"
    gates: tuple[str, ...] = ()
    harmless: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """The gates, and the harmless change."""
        return (*self.gates, *((self.harmless,) if self.harmless else ()))

    def run(self, context: Context) -> Verdict:
        """Compare what should deliver with what does."""
        _require_started(context, self.workflow, "push", self.branch)
        healthy = _healthy(context, self.workflow, "push", self.branch, self.harmless)
        require_network_is_not_to_blame(healthy)
        delivered = self._delivered(healthy)
        if not delivered:
            return self._nothing_delivered(context, healthy)
        broken = self._broken(delivered)
        if broken:
            return failed(broken, Finding(broken, path=self.workflow))
        with ThreadPoolExecutor(4) as pool:
            others = list(pool.map(lambda rehearse_it: rehearse_it(), self._others(context)))
        for rehearsal in others:
            if rehearsal is not None and self._delivered(rehearsal):
                return self._delivered_wrongly(context, rehearsal)
        names = ", ".join(path.name for path in delivered)
        return passed(f"a push to {self.branch} delivers {names}, and nothing else does")

    def _others(self, context: Context) -> Iterator[Callable[[], Rehearsal | None]]:
        """Yield what rehearses each event that must not deliver; None where none starts."""

        def started(event: Event, branch: str) -> Rehearsal | None:
            workflow = workflow_model.of(context.run, self.workflow)
            if why_not_started(workflow, event, branch):
                return None
            return _healthy(context, self.workflow, event, branch, self.harmless)

        yield lambda: started("pull_request", self.branch)
        yield lambda: started("push", "feature/change")
        for fault in self.gates:
            yield partial(_faulty, context, self.workflow, "push", self.branch, fault)

    def _delivered(self, rehearsal: Rehearsal) -> list[Path]:
        return [
            path
            for artifact in rehearsal.artifacts
            for path in artifact.files
            if fnmatch.fnmatch(path.name, self.files)
        ]

    def _broken(self, files: Sequence[Path]) -> str:
        """Return what is wrong with the delivered files, nothing where one is a good package."""
        problems = []
        for path in files:
            names = _members(path)
            if names is None:
                problems.append(f"{path.name} is not a readable package")
            elif not any(
                name == self.contains or name.endswith(f"/{self.contains}") for name in names
            ):
                problems.append(f"{path.name} does not contain {self.contains}")
            else:
                return ""
        return "; ".join(problems)

    def _nothing_delivered(self, context: Context, rehearsal: Rehearsal) -> Verdict:
        uploaded = [_artifact_words(artifact) for artifact in rehearsal.artifacts]
        if rehearsal.red:
            return _red_when_healthy(context, rehearsal)
        return failed(
            f"{rehearsal.scene.words} delivers nothing",
            Finding(f"no uploaded artifact has a file {self.files}", path=self.workflow),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"an artifact with a file {self.files}",
                actual="uploaded: " + ("; ".join(uploaded) or "nothing"),
                log=tuple(_step_names(rehearsal)),
            ),
            hint="build with python -m build, then actions/upload-artifact with path: dist/",
        )

    def _delivered_wrongly(self, context: Context, rehearsal: Rehearsal) -> Verdict:
        scene = rehearsal.scene
        fault = context.run.faults.get(scene.change)
        gate = fault is not None and scene.change in self.gates
        what = f"{scene.words} with a red gate ({fault.title})" if fault and gate else scene.words
        hint = (
            "needs: must name every gate of the delivering job, and its if must not be always()"
            if gate
            else f"give the delivering job an if: a push, and refs/heads/{self.branch}"
        )
        artifact = rehearsal.artifacts[0]
        message = f"{what} delivers {artifact.name}, and must not"
        line = _job_line(context, self.workflow, artifact.job)
        return failed(
            message,
            Finding(message, path=self.workflow, line=line),
            evidence=Evidence(
                ran=rehearsal.command,
                expected="nothing is uploaded",
                actual=f"the job {artifact.job} uploaded {_artifact_words(artifact)}",
            ),
            hint=hint,
        )


def _require_started(context: Context, workflow: str, event: Event, branch: str) -> None:
    model = workflow_model.of(context.run, workflow)
    reason = why_not_started(model, event, branch)
    if reason:
        raise CheckFailedError(
            f"{workflow} would not start: {reason}",
            Finding(reason, path=workflow, line=model.line("on")),
        )


def _healthy(
    context: Context, workflow: str, event: Event, branch: str, harmless: str
) -> Rehearsal:
    run = context.run
    scene = Scene(workflow, event, branch, harmless or "healthy")
    plants = [planting.faulty(run, run.faults[harmless])] if harmless else []
    return rehearse(context, scene, planting.both(*plants, planting.probe))


def _faulty(context: Context, workflow: str, event: Event, branch: str, fault: str) -> Rehearsal:
    run = context.run
    scene = Scene(workflow, event, branch, fault)
    return rehearse(context, scene, planting.faulty(run, run.faults[fault]))


def _with_canary(context: Context, workflow: str, event: Event, branch: str) -> Rehearsal:
    return rehearse(context, Scene(workflow, event, branch, "failing-test"), planting.canary)


def _places(rehearsal: Rehearsal) -> set[tuple[str, str]]:
    return {step.place for step in rehearsal.failures}


def _testing_places(canary: Rehearsal, base: Rehearsal) -> set[tuple[str, str]]:
    """Return the steps that a failing test turns red; none where that test never ran."""
    return _places(canary) - _places(base) if canary.witnesses else set()


def _versions(rehearsal: Rehearsal) -> Iterator[tuple[int, int]]:
    for witness in rehearsal.witnesses:
        if witness.get("job") in rehearsal.soft_jobs:
            continue
        requested = _parsed(str(witness.get("requested", "")))
        python = witness.get("python")
        if requested > (0, 0):
            yield requested
        elif isinstance(python, list) and len(python) == 2:
            yield (int(python[0]), int(python[1]))


def _parsed(version: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _tests_do_not_count(context: Context, canary: Rehearsal) -> Verdict:
    expected = "the step that runs the tests fails, and the pipeline is red"
    if not canary.witnesses:
        return failed(
            "the pipeline does not run the whole test suite: a test that was added to tests/ "
            "never ran",
            Finding("no step ran it", path=canary.scene.workflow, line=1),
            evidence=Evidence(
                ran=canary.command,
                expected=f"tests/{planting.CANARY} runs",
                actual="steps that ran: " + ", ".join(_step_names(canary)),
            ),
            hint="run pytest without a selection of files or tests",
        )
    if canary.forgiven:
        step = canary.forgiven[0]
        return failed(
            f"a failing test does not stop the pipeline: continue-on-error forgives {_named(step)}",
            *_findings(context, canary, [step]),
            evidence=_evidence(canary, step, expected),
            hint="remove continue-on-error",
        )
    return failed(
        "a failing test does not stop the pipeline: the tests ran, one failed, and every step was "
        "green",
        Finding("the exit code of the tests is lost", path=canary.scene.workflow, line=1),
        evidence=Evidence(
            ran=canary.command,
            expected=expected,
            actual="green; steps that ran: " + ", ".join(_step_names(canary)),
        ),
        hint="nothing may follow pytest that hides its exit code: || true, ; exit 0, a pipe",
    )


def _red_when_healthy(context: Context, rehearsal: Rehearsal) -> Verdict:
    step = rehearsal.failures[0]
    return failed(
        f"the pipeline is red for {rehearsal.scene.words}, though nothing is broken: "
        f"{_named(step)} failed",
        *_findings(context, rehearsal, rehearsal.failures),
        evidence=_evidence(rehearsal, step, "green on the healthy app"),
        hint="the log says why the step failed; act runs the same on your machine",
    )


def _named(step: Step) -> str:
    name = step.name.strip().splitlines()[0][:80] if step.name.strip() else step.key
    leg = ", ".join(f"{key} {value}" for key, value in step.matrix.items())
    return f"the step {name!r} of the job {step.job_id}" + (f" ({leg})" if leg else "")


def _step_names(rehearsal: Rehearsal) -> list[str]:
    names = [
        f"{step.job_id}: {step.name.strip().splitlines()[0][:60]}"
        for step in rehearsal.record.steps
        if step.name.strip() and not step.key.startswith(("Pre", "Post", "--"))
    ]
    return list(dict.fromkeys(names))


def _evidence(rehearsal: Rehearsal, step: Step, expected: str) -> Evidence:
    log = tuple(line for line in step.log if line.strip())[-LOG_LINES:]
    return Evidence(
        ran=rehearsal.command,
        expected=expected,
        actual=f"{_named(step)} ended with {step.result}",
        log=log,
    )


def _findings(context: Context, rehearsal: Rehearsal, steps: Sequence[Step]) -> Iterator[Finding]:
    for step in steps:
        yield Finding(
            f"{_named(step)} failed",
            path=rehearsal.scene.workflow,
            line=_step_line(context, rehearsal.scene.workflow, step),
        )


def _step_line(context: Context, path: str, step: Step) -> int | None:
    workflow = workflow_model.of(context.run, path)
    job = workflow.jobs.get(step.job_id)
    if job is None:
        return None
    own = step.key.rpartition(" ")[2]
    for index, each in enumerate(job.steps):
        if own in (str(index), each.data.get("id")):
            return each.line
    return job.line


def _job_line(context: Context, path: str, job_id: str) -> int | None:
    job = workflow_model.of(context.run, path).jobs.get(job_id)
    return job.line if job else None


def _artifact_words(artifact: Artifact) -> str:
    names = [path.name for path in artifact.files]
    return f"{artifact.name} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"


def _members(path: Path) -> list[str] | None:
    """Return the names of the files in a package, None where it is no readable one."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive.namelist()
        with tarfile.open(path) as archive:
            return archive.getnames()
    except (OSError, zipfile.BadZipFile, tarfile.TarError):
        return None
