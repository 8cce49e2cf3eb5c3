"""The kind `pipeline.tests_on`: on which Pythons a pipeline runs the tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from functools import partial
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.pipeline.excuses import require_playable
from scaffolder.checks.pipeline.guards import require_unguarded
from scaffolder.checks.pipeline.kinds import PipelineKind
from scaffolder.checks.pipeline.pythons import Version
from scaffolder.checks.pipeline.runner import Event, PipelineRun, find_runner
from scaffolder.checks.pipeline.scenes import (
    list_findings,
    require_started,
    run_faulty,
    run_healthy,
    run_together,
)
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

_NOTHING_RAN = "no test ran at all, since the step failed; make the pipeline green first"


class TestsOn(PipelineKind, frozen=True, kw_only=True):
    """The tests run on several versions of Python.

    Plants a test that passes and writes down on which Python it ran, and runs the workflow with
    act. Only versions count on which that test really ran, and where the failure of some jobs is
    forgiven, in one whose failure is not.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        event: push or pull_request; push unless given.
        branch: the branch that is pushed to, or that the pull request goes to; main unless given.
        versions: how many different minor versions at least; 2 unless given.
        oldest: the oldest version that counts, as "3.11"; any unless given.
        fault: id of the harmless change in faults.yaml; none unless given.
        notices: id of a fault that the tests notice; none unless given. A version on which they do
            not, though they do on another, does not count.

    Passes: at least so many versions. A version that is not on this machine is played by the
        nearest one; what counts is the one that was asked for.

    Fails: fewer; tests that never run; a matrix that no step uses; a version on which only some of
        the tests run.

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
    notices: str = ""

    @property
    def harmless_change(self) -> str:
        """The change that it plants."""
        return self.fault

    @property
    def faults(self) -> tuple[str, ...]:
        """The harmless change, and the fault that is noticed."""
        return tuple(each for each in (self.fault, self.notices) if each)

    def run(self, context: Context) -> Verdict:
        """Count the versions that the planted test saw."""
        require_started(context, self.workflow, self.event, self.branch)
        where = (self.workflow, self.event, self.branch)
        asked = [partial(run_healthy, context, *where, self.fault)]
        if self.notices:
            asked.append(partial(run_faulty, context, *where, self.notices))
        rehearsal, *broken = run_together(context, asked)
        seen = sorted({version for version, _ in _versions(rehearsal)})
        counted = {version for version in seen if version >= _parsed(self.oldest)}
        unaware = counted & _find_unaware(*broken) if broken else set()
        shown = _shown(seen) or "no version at all"
        if len(counted - unaware) >= self.versions:
            return passed(f"the tests ran on Python {shown}")
        if unaware and len(counted) >= self.versions:
            return self._some_tests_only(context, broken[0], unaware)
        require_playable(rehearsal)
        require_unguarded(context, rehearsal)
        too_few = find_runner(self.workflow).wording.versions
        return failed(
            f"the tests ran on {len(counted)} versions of Python from {self.oldest} on, "
            f"{self.versions} are asked for",
            *list_findings(context, rehearsal, rehearsal.failures[:1]),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"a planted test runs on at least {self.versions} versions",
                actual=f"it ran on: {shown}",
            ),
            hint=_NOTHING_RAN if rehearsal.failures and not seen else too_few,
            lasting=False,
        )

    def _some_tests_only(
        self, context: Context, broken: PipelineRun, unaware: Set[Version]
    ) -> Verdict:
        title = context.run.faults[self.notices].title
        message = (
            f"not all tests run on Python {_shown(unaware)}: a fault ({title}) is noticed on "
            "another version, and not there"
        )
        return failed(
            message,
            Finding(message, path=self.workflow, line=1),
            evidence=Evidence(
                ran=broken.command,
                expected="each version on which the tests run notices it",
                actual="green on Python " + _shown(unaware),
            ),
            hint="run the whole test suite in every leg of the matrix",
            lasting=False,
        )


def _shown(versions: Iterable[Version]) -> str:
    return ", ".join(f"3.{minor}" for _, minor in sorted(versions))


def _find_unaware(broken: PipelineRun) -> set[Version]:
    """Return the versions on which nothing went red, where it did on others.

    A version that was not reached, because something was red before, says nothing.
    """
    red: dict[Version, bool] = {}
    for version, job_id in _versions(broken):
        legs = [job.matrix for job in broken.jobs if job.id == job_id]
        naming = any(_names(leg, version) for leg in legs)
        # By steps: act keeps one result for all legs of a job.
        failed_steps = any(
            not naming or _names(step.matrix, version)
            for step in broken.steps
            if step.failed and step.job_id == job_id
        )
        red[version] = red.get(version, False) or failed_steps
    return {version for version in red if not red[version]} if any(red.values()) else set()


def _versions(rehearsal: PipelineRun) -> list[tuple[Version, str]]:
    """Return the versions that the planted test ran on, each with the job that it ran in.

    One whose failure is forgiven counts only where every other one's is, too: that no failure
    counts is for `pipeline.fails` to say.
    """
    ran = [(one.version, one.job) for one in rehearsal.probes if one.version is not None]
    return [each for each in ran if not _forgiven(rehearsal, each[1], each[0])] or ran


def _forgiven(rehearsal: PipelineRun, job_id: str, version: Version) -> bool:
    """Whether no leg of a job that names this version, or none at all, counts when it fails."""
    legs = [job for job in rehearsal.jobs if job.id == job_id]
    naming = [leg for leg in legs if _names(leg.matrix, version)]
    return bool(legs) and all(leg.forgiven for leg in naming or legs)


def _names(leg: Mapping[str, Any], version: Version) -> bool:
    return any(_parsed(str(value)) == version for value in leg.values())


def _parsed(version: str) -> Version:
    match = re.fullmatch(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
