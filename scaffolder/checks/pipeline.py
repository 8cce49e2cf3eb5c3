"""The kinds `pipeline.passes`, `fails` and `tests_on`: what a learner's pipeline does when it runs.

Every kind looks at rehearsals (see rehearsal.py), which the checks of a run share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from scaffolder.checks import workflow_model
from scaffolder.checks.base import Context
from scaffolder.checks.pipeline_guards import require_unguarded
from scaffolder.checks.pipeline_scenes import (
    evidence,
    faulty,
    findings,
    healthy,
    named,
    red_when_healthy,
    require_started,
    step_names,
    with_canary,
)
from scaffolder.checks.rehearsal import (
    Rehearsal,
    require_playable,
    why_not_started,
)
from scaffolder.checks.rehearsal_event import Event
from scaffolder.checks.rehearsal_line import Ran
from scaffolder.checks.rehearsal_stage import RehearsedKind, played_by
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools.act import Step

DEFAULT = ".github/workflows/ci.yml"


class _Pipeline(RehearsedKind, frozen=True, kw_only=True):
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
    def harmless_change(self) -> str:
        """The change that it plants."""
        return self.fault

    @property
    def faults(self) -> tuple[str, ...]:
        """The harmless change."""
        return (self.fault,) if self.fault else ()

    def run(self, context: Context) -> Verdict:
        """Rehearse the healthy app."""
        require_started(context, self.workflow, self.event, self.branch)
        rehearsal = healthy(context, self.workflow, self.event, self.branch, self.fault)
        if rehearsal.red:
            return red_when_healthy(context, rehearsal)
        require_playable(rehearsal)
        if not rehearsal.record.steps:
            require_unguarded(context, rehearsal)
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
    def harmless_change(self) -> str:
        """The change that the fault is compared with."""
        return self.harmless

    @property
    def faults(self) -> tuple[str, ...]:
        """The fault, and the harmless change that it is compared with."""
        return tuple(each for each in (self.fault, self.harmless) if each)

    def run(self, context: Context) -> Verdict:
        """Rehearse the fault beside what it is compared with."""
        require_started(context, self.workflow, self.event, self.branch)
        where = (self.workflow, self.event, self.branch)
        with ThreadPoolExecutor(3) as pool:
            waiting = (
                pool.submit(healthy, context, *where, self.harmless),
                pool.submit(faulty, context, *where, self.fault),
                pool.submit(self._canary, context),
            )
        base, rehearsal, canary = waiting[0].result(), waiting[1].result(), waiting[2].result()
        found = rehearsal.failures_beside(base)
        if not found:
            require_playable(base, rehearsal)
            require_unguarded(context, base)
            return self._not_noticed(context, rehearsal, base, canary)
        if canary is None:
            return passed(f"red for {rehearsal.scene.words}, in {named(found[0])}")
        return self._noticed(context, rehearsal, base, canary, found)

    def _canary(self, context: Context) -> Rehearsal | None:
        """Return how a failing test goes; a push shows it for pull requests too, as a rule."""
        if self.because != "tests":
            return None
        workflow = workflow_model.of(context.run, self.workflow)
        pushed = not why_not_started(workflow, "push", self.branch)
        return with_canary(context, self.workflow, "push" if pushed else self.event, self.branch)

    def _noticed(
        self,
        context: Context,
        rehearsal: Rehearsal,
        base: Rehearsal,
        canary: Rehearsal,
        found: Sequence[Step],
    ) -> Verdict:
        testing = _testing_places(canary, base)
        if not testing & {step.place for step in found} and canary.scene.event != self.event:
            # Other events may run the tests in another job.
            canary = with_canary(context, self.workflow, self.event, self.branch)
            testing = _testing_places(canary, base)
        if not testing:
            require_playable(base, canary)
            require_unguarded(context, base)
            return _tests_do_not_count(context, canary)
        for step in found:
            if step.place in testing:
                return passed(f"red for {rehearsal.scene.words}, in {named(step)}")
        reached = {each.place for each in rehearsal.record.steps}
        for step in found:
            if step.job in {job for job, _ in testing} and not testing & reached:
                return passed(f"red in {named(step)}, before the tests of the same job ran")
        return failed(
            f"the pipeline is red, but not because of the tests: {named(found[0])} failed",
            *findings(context, rehearsal, found[:1]),
            evidence=evidence(rehearsal, found[0], "the step that runs the tests fails"),
            hint="let the test suite notice the bug, and let its exit code decide",
            lasting=False,
        )

    def _not_noticed(
        self, context: Context, rehearsal: Rehearsal, base: Rehearsal, canary: Rehearsal | None
    ) -> Verdict:
        title = context.run.faults[self.fault].title
        if rehearsal.forgiven:
            step = rehearsal.forgiven[0]
            return failed(
                f"the pipeline stays green on a fault ({title}): {named(step)} fails, and "
                "continue-on-error forgives it",
                *findings(context, rehearsal, [step]),
                evidence=evidence(rehearsal, step, "the failure turns the pipeline red"),
                hint="remove continue-on-error",
            )
        if base.red:
            return failed(
                f"the pipeline is red on the healthy app already, so it does not tell a fault "
                f"({title}) from none",
                *findings(context, base, base.failures[:1]),
                evidence=evidence(base, base.failures[0], "green on the healthy app"),
                lasting=False,
            )
        if canary is not None and not _testing_places(canary, base):
            return _tests_do_not_count(context, canary)
        return failed(
            f"the pipeline stays green although a fault was planted: {title}",
            Finding("no step fails on it", path=self.workflow, line=1),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"red in the step that runs the {self.because}",
                actual="green; steps that ran: " + ", ".join(step_names(rehearsal)),
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
    def harmless_change(self) -> str:
        """The change that it plants."""
        return self.fault

    @property
    def faults(self) -> tuple[str, ...]:
        """The harmless change."""
        return (self.fault,) if self.fault else ()

    def run(self, context: Context) -> Verdict:
        """Count the versions that the planted test saw."""
        require_started(context, self.workflow, self.event, self.branch)
        rehearsal = healthy(context, self.workflow, self.event, self.branch, self.fault)
        seen = sorted(set(_versions(rehearsal)))
        counted = [version for version in seen if version >= _parsed(self.oldest)]
        shown = ", ".join(f"3.{minor}" for _, minor in seen) or "no version at all"
        if len(counted) >= self.versions:
            return passed(f"the tests ran on Python {shown}")
        require_playable(rehearsal)
        require_unguarded(context, rehearsal)
        return failed(
            f"the tests ran on {len(counted)} versions of Python from {self.oldest} on, "
            f"{self.versions} are asked for",
            *findings(context, rehearsal, rehearsal.failures[:1]),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"a planted test runs on at least {self.versions} versions",
                actual=f"it ran on: {shown}",
            ),
            hint=_NOTHING_RAN if rehearsal.failures and not seen else _MATRIX,
            lasting=False,
        )


_NOTHING_RAN = "no test ran at all, since the step failed; make the pipeline green first"
_MATRIX = (
    "give the test job a strategy.matrix of versions, and give the variable to "
    "actions/setup-python; quote them, as YAML reads 3.10 as 3.1"
)


def _testing_places(canary: Rehearsal, base: Rehearsal) -> set[tuple[str, str]]:
    """Return the steps that a failing test turns red; none where that test never ran."""
    return {step.place for step in canary.failures_beside(base)} if canary.ran else set()


def _versions(rehearsal: Rehearsal) -> Iterator[tuple[int, int]]:
    for ran in rehearsal.ran:
        version = _version(rehearsal, ran)
        job_id = ran.environment.get("GITHUB_JOB", "")
        if version is not None and not _forgiven(rehearsal, job_id, version):
            yield version


def _version(rehearsal: Rehearsal, ran: Ran) -> tuple[int, int] | None:
    """Return the Python that a test ran on, or the one that was asked for and is not here."""
    if ran.version is None:
        return None
    for name in ("UV_PYTHON_REQUESTED", "pythonLocation"):
        asked = rehearsal.requested.get(ran.environment.get(name, ""))
        if asked is not None and asked not in rehearsal.pythons:
            return (3, asked) if played_by(asked, rehearsal.pythons) == ran.version[1] else None
    return ran.version


def _forgiven(rehearsal: Rehearsal, job_id: str, version: tuple[int, int]) -> bool:
    """Whether no leg of a job that names this version, or none at all, counts when it fails."""
    legs = [job.matrix for job in rehearsal.record.jobs if job.id == job_id]
    naming = [leg for leg in legs if any(_parsed(str(value)) == version for value in leg.values())]
    return bool(legs) and all(rehearsal.forgives(job_id, leg) for leg in naming or legs)


def _parsed(version: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _tests_do_not_count(context: Context, canary: Rehearsal) -> Verdict:
    expected = "the step that runs the tests fails, and the pipeline is red"
    if not canary.ran:
        return failed(
            "the pipeline does not run the whole test suite: a test that was added to tests/ "
            "never ran",
            Finding("no step ran it", path=canary.scene.workflow, line=1),
            evidence=Evidence(
                ran=canary.command,
                expected="a test that was added to tests/ runs",
                actual="steps that ran: " + ", ".join(step_names(canary)),
            ),
            hint="run pytest without a selection of files or tests",
            lasting=False,
        )
    if canary.forgiven:
        step = canary.forgiven[0]
        return failed(
            f"a failing test does not stop the pipeline: continue-on-error forgives {named(step)}",
            *findings(context, canary, [step]),
            evidence=evidence(canary, step, expected),
            hint="remove continue-on-error",
        )
    return failed(
        "a failing test does not stop the pipeline: the tests ran, one failed, and every step was "
        "green",
        Finding("the exit code of the tests is lost", path=canary.scene.workflow, line=1),
        evidence=Evidence(
            ran=canary.command,
            expected=expected,
            actual="green; steps that ran: " + ", ".join(step_names(canary)),
        ),
        hint="nothing may follow pytest that hides its exit code: || true, ; exit 0, a pipe",
    )
