"""The kinds `pipeline.passes` and `pipeline.fails`: what a learner's pipeline does when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from scaffolder.checks.context import Context
from scaffolder.checks.pipeline.excuses import require_playable
from scaffolder.checks.pipeline.guards import require_unguarded
from scaffolder.checks.pipeline.kinds import PipelineKind
from scaffolder.checks.pipeline.runner import Event, PipelineRun, StepRun, find_runner, read_file
from scaffolder.checks.pipeline.scenes import (
    explain_red,
    fail_when_healthy,
    list_findings,
    list_steps,
    name_step,
    require_started,
    run_faulty,
    run_healthy,
    run_together,
    run_with_canary,
    show_step,
)
from scaffolder.model import Evidence, Finding, Verdict, failed, passed


class Passes(PipelineKind, frozen=True, kw_only=True):
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
        rehearsal = run_healthy(context, self.workflow, self.event, self.branch, self.fault)
        if rehearsal.red:
            return fail_when_healthy(context, rehearsal)
        require_playable(rehearsal)
        if not rehearsal.steps:
            require_unguarded(context, rehearsal)
            return failed(f"no job runs for {rehearsal.scene.words}, so nothing is checked")
        jobs = ", ".join(dict.fromkeys(job.id for job in rehearsal.jobs))
        return passed(f"green for {rehearsal.scene.words}; jobs that ran: {jobs}")


class Fails(PipelineKind, frozen=True, kw_only=True):
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
        asked = [
            partial(run_healthy, context, *where, self.harmless),
            partial(run_faulty, context, *where, self.fault),
        ]
        if self.because == "tests":
            asked.append(partial(self._canary, context))
        base, rehearsal, *more = run_together(context, asked)
        canary = more[0] if more else None
        found = rehearsal.failures_beside(base)
        if not found:
            require_playable(base, rehearsal)
            require_unguarded(context, base)
            return self._not_noticed(context, rehearsal, base, canary)
        if canary is None:
            return passed(f"red for {rehearsal.scene.words}, in {name_step(found[0])}")
        return self._noticed(context, rehearsal, base, canary, found)

    def _canary(self, context: Context) -> PipelineRun:
        """Return how a failing test goes; a push shows it for pull requests too, as a rule."""
        file = read_file(context.run, self.workflow)
        event = self.event if file.why_not_started("push", self.branch) else "push"
        return run_with_canary(context, self.workflow, event, self.branch)

    def _noticed(
        self,
        context: Context,
        rehearsal: PipelineRun,
        base: PipelineRun,
        canary: PipelineRun,
        found: Sequence[StepRun],
    ) -> Verdict:
        testing = _testing_places(canary, base)
        if not testing & {step.place for step in found} and canary.scene.event != self.event:
            # Other events may run the tests in another job.
            canary = run_with_canary(context, self.workflow, self.event, self.branch)
            testing = _testing_places(canary, base)
        if not testing:
            require_playable(base, canary)
            require_unguarded(context, base)
            return _tests_do_not_count(context, canary)
        for step in found:
            if step.place in testing:
                return passed(f"red for {rehearsal.scene.words}, in {name_step(step)}")
        reached = {each.place for each in rehearsal.steps}
        for step in found:
            if step.job in {job for job, _ in testing} and not testing & reached:
                return passed(f"red in {name_step(step)}, before the tests of the same job ran")
        return failed(
            f"the pipeline is red, but not because of the tests: {name_step(found[0])} failed",
            *list_findings(context, rehearsal, found[:1]),
            evidence=show_step(rehearsal, found[0], "the step that runs the tests fails"),
            hint="let the test suite notice the bug, and let its exit code decide",
            lasting=False,
        )

    def _not_noticed(
        self,
        context: Context,
        rehearsal: PipelineRun,
        base: PipelineRun,
        canary: PipelineRun | None,
    ) -> Verdict:
        title = context.run.faults[self.fault].title
        if rehearsal.forgiven:
            step = rehearsal.forgiven[0]
            forgiving = find_runner(self.workflow).wording.forgiving
            return failed(
                f"the pipeline stays green on a fault ({title}): {name_step(step)} fails, and "
                f"{forgiving} forgives it",
                *list_findings(context, rehearsal, [step]),
                evidence=show_step(rehearsal, step, "the failure turns the pipeline red"),
                hint=f"remove {forgiving}",
            )
        if base.red:
            return failed(
                f"the pipeline is red on the healthy app already, so it does not tell a fault "
                f"({title}) from none",
                *list_findings(context, base, base.failures[:1]),
                evidence=show_step(base, base.failures[0], "green on the healthy app"),
                lasting=False,
                because=explain_red(base.failures[0]),
            )
        if canary is not None and not _testing_places(canary, base):
            return _tests_do_not_count(context, canary)
        return failed(
            f"the pipeline stays green although a fault was planted: {title}",
            Finding("no step fails on it", path=self.workflow, line=1),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"red in the step that runs the {self.because}",
                actual="green; steps that ran: " + ", ".join(list_steps(rehearsal)),
            ),
            hint=_HINTS[self.because],
        )


_HINTS = {
    "tests": "is the whole suite run, with no test deleted, deselected or skipped, and is the exit "
    "code of pytest the exit code of the step?",
    "lint": "is there a step that runs ruff check on the whole project, and is its exit code the "
    "exit code of the step?",
}


def _testing_places(canary: PipelineRun, base: PipelineRun) -> set[tuple[str, str]]:
    """Return the steps that a failing test turns red; none where that test never ran."""
    return {step.place for step in canary.failures_beside(base)} if canary.probes else set()


def _tests_do_not_count(context: Context, canary: PipelineRun) -> Verdict:
    expected = "the step that runs the tests fails, and the pipeline is red"
    if not canary.probes:
        return failed(
            "the pipeline does not run the whole test suite: a test that was added to tests/ "
            "never ran",
            Finding("no step ran it", path=canary.scene.pipeline, line=1),
            evidence=Evidence(
                ran=canary.command,
                expected="a test that was added to tests/ runs",
                actual="steps that ran: " + ", ".join(list_steps(canary)),
            ),
            hint="run pytest without a selection of files or tests",
            lasting=False,
        )
    if canary.forgiven:
        step = canary.forgiven[0]
        forgiving = find_runner(canary.scene.pipeline).wording.forgiving
        return failed(
            f"a failing test does not stop the pipeline: {forgiving} forgives {name_step(step)}",
            *list_findings(context, canary, [step]),
            evidence=show_step(canary, step, expected),
            hint=f"remove {forgiving}",
        )
    return failed(
        "a failing test does not stop the pipeline: the tests ran, one failed, and every step was "
        "green",
        Finding("the exit code of the tests is lost", path=canary.scene.pipeline, line=1),
        evidence=Evidence(
            ran=canary.command,
            expected=expected,
            actual="green; steps that ran: " + ", ".join(list_steps(canary)),
        ),
        hint="nothing may follow pytest that hides its exit code: || true, ; exit 0, a pipe",
    )
