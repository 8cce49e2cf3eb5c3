"""The kind `pipeline.delivers`: what a pipeline uploads, and when."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from scaffolder.checks.context import Context
from scaffolder.checks.pipeline.excuses import require_playable
from scaffolder.checks.pipeline.guards import require_unguarded
from scaffolder.checks.pipeline.kinds import PipelineKind
from scaffolder.checks.pipeline.members import list_members
from scaffolder.checks.pipeline.runner import (
    Artifact,
    Delivered,
    PipelineFile,
    PipelineRun,
    find_runner,
    read_file,
)
from scaffolder.checks.pipeline.scenes import (
    fail_when_healthy,
    list_steps,
    require_started,
    run_faulty,
    run_healthy,
    run_together,
)
from scaffolder.checks.pipeline.sources import find_difference
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools.processes import CancelToken

_LOOKED_AT = 10
_SECONDS = 30.0


class Delivers(PipelineKind, frozen=True, kw_only=True):
    """A package is delivered by a push to main that passed every gate, and by nothing else.

    Runs the workflow with act for a push to main, pushes to a branch and of a tag that have the
    name of the branch in theirs, and a pull request, and for a push to main with each of the named
    faults, and looks what was uploaded as an artifact.

    Parameters:
        workflow: path of the file; .github/workflows/ci.yml unless given.
        branch: the branch from which is delivered; main unless given. From it the near misses are
            derived that must not deliver: main-next/main, or main-next, next-main and feature/main
            where a filter keeps that one out, and the tag main-1.0.
        files: what the delivered file is called; "*.whl" unless given. A wheel must be a readable
            wheel, an archive a readable archive.
        contains: a file that must be in it; app/__init__.py unless given. The other Python files of
            its folder must be in it as the commit has them: tests may be left out, and files that
            hold a version, such as version.py, may be written anew.
        gates: ids of faults of which each must stop the delivery.
        harmless: id of the harmless change in faults.yaml; none unless given.

    Passes: the healthy push to the branch delivers, nothing else does.

    Fails: nothing delivered; delivered for a pull request, another branch or tag, or with a red
        gate; a file that is no package.

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
    def harmless_change(self) -> str:
        """The change that it plants beside others."""
        return self.harmless

    @property
    def faults(self) -> tuple[str, ...]:
        """The gates, and the harmless change."""
        return (*self.gates, *((self.harmless,) if self.harmless else ()))

    def run(self, context: Context) -> Verdict:
        """Compare what should deliver with what does."""
        require_started(context, self.workflow, "push", self.branch)
        good = run_healthy(context, self.workflow, "push", self.branch, self.harmless)
        delivered = self._delivered(good)
        if not delivered:
            return self._nothing_delivered(context, good)
        broken = self._broken(good, delivered[:_LOOKED_AT], context.run.cancel)
        if broken:
            return failed(broken, Finding(broken, path=self.workflow))
        for rehearsal in run_together(context, list(self._others(context))):
            if self._delivered(rehearsal):
                return self._delivered_wrongly(context, rehearsal)
        names = ", ".join(_base(file)[:100] for file in delivered[:_LOOKED_AT])
        return passed(f"a push to {self.branch} delivers {names}, and nothing else does")

    def _others(self, context: Context) -> Iterator[Callable[[], PipelineRun]]:
        """Yield what rehearses each event that must not deliver, of those that start anything."""
        file = read_file(context.run, self.workflow)
        if not file.why_not_started("pull_request", self.branch):
            yield partial(
                run_healthy, context, self.workflow, "pull_request", self.branch, self.harmless
            )
        for name, tag in _near_misses(file, self.branch):
            run = partial(run_healthy, home=self.branch, tag=tag)
            yield partial(run, context, self.workflow, "push", name, self.harmless)
        for fault in self.gates:
            yield partial(run_faulty, context, self.workflow, "push", self.branch, fault)

    def _delivered(self, rehearsal: PipelineRun) -> list[Delivered]:
        return [file for artifact in rehearsal.artifacts for file in self._asked_for(artifact)]

    def _asked_for(self, artifact: Artifact) -> list[Delivered]:
        return [file for file in artifact.files if fnmatch.fnmatch(_base(file), self.files)]

    def _broken(self, good: PipelineRun, files: Sequence[Delivered], cancel: CancelToken) -> str:
        """Return what is wrong with the delivered files, nothing where one is a good package."""
        problems = []
        end = time.monotonic() + _SECONDS
        for file in files:
            left = end - time.monotonic()
            members = list_members(file.kept, cancel, left) if left > 0 else None
            if members is None:
                problems.append(f"{_base(file)[:100]} is not a readable package")
                continue
            wheel = file.name.endswith(".whl")
            difference = find_difference(members, good.sources, self.contains, wheel=wheel)
            if not difference:
                return ""
            problems.append(f"{_base(file)[:100]} {difference}")
        return "; ".join(problems)

    def _nothing_delivered(self, context: Context, rehearsal: PipelineRun) -> Verdict:
        uploaded = [_artifact_words(artifact) for artifact in rehearsal.artifacts]
        if rehearsal.red:
            return fail_when_healthy(context, rehearsal)
        require_playable(rehearsal)
        require_unguarded(context, rehearsal)
        return failed(
            f"{rehearsal.scene.words} delivers nothing",
            Finding(f"no uploaded artifact has a file {self.files}", path=self.workflow),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"an artifact with a file {self.files}",
                actual="uploaded: " + ("; ".join(uploaded[:_LOOKED_AT]) or "nothing"),
                log=tuple(list_steps(rehearsal)),
            ),
            hint=find_runner(self.workflow).wording.deliver,
        )

    def _delivered_wrongly(self, context: Context, rehearsal: PipelineRun) -> Verdict:
        scene = rehearsal.scene
        fault = context.run.faults.get(scene.change)
        gate = fault is not None and scene.change in self.gates
        what = f"{scene.words} with a red gate ({fault.title})" if fault and gate else scene.words
        wording = find_runner(self.workflow).wording
        hint = wording.wait if gate else wording.restrict.format(branch=self.branch)
        artifact = next(one for one in rehearsal.artifacts if self._asked_for(one))
        message = f"{what} delivers {artifact.name[:100]}, and must not"
        line = read_file(context.run, self.workflow).find_job_line(artifact.job)
        return failed(
            message,
            Finding(message, path=self.workflow, line=line),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"no artifact with a file {self.files}",
                actual=f"the job {artifact.job[:100]} uploaded {_artifact_words(artifact)}",
            ),
            hint=hint,
        )


def _base(file: Delivered) -> str:
    return file.name.rpartition("/")[2]


def _artifact_words(artifact: Artifact) -> str:
    names = [_base(file) for file in artifact.files]
    shown = ", ".join(name[:100] for name in names[:5])
    return f"{artifact.name[:100]} ({shown}{', ...' if len(names) > 5 else ''})"


def _near_misses(file: PipelineFile, branch: str) -> Iterator[tuple[str, bool]]:
    """Yield refs that start a pipeline and are not `branch`, though much of their names is: each
    with whether it is a tag.

    The first begins with the branch's name, ends with it, contains it, and has it as its last part,
    so it stands for the others wherever it starts anything. A name that differs only in case is
    none: GitHub's == takes it for the same.
    """
    whole = f"{branch}-next/{branch}"
    parts = (f"{branch}-next", f"next-{branch}", f"feature/{branch}", "feature/change")
    if not file.why_not_started("push", whole):
        yield whole, False
    else:
        yield from ((name, False) for name in parts if not file.why_not_started("push", name))
    tag = f"{branch}-1.0"
    if not file.why_not_started("push", tag, tag=True):
        yield tag, True
