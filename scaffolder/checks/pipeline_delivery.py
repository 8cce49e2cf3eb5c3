"""The kind `pipeline.delivers`: what a pipeline uploads, and when."""

from __future__ import annotations

import fnmatch
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from scaffolder.checks import workflow_model
from scaffolder.checks.base import Context
from scaffolder.checks.pipeline_scenes import (
    faulty,
    healthy,
    job_line,
    red_when_healthy,
    require_started,
    step_names,
)
from scaffolder.checks.rehearsal import (
    Rehearsal,
    require_playable,
    why_not_started,
)
from scaffolder.checks.rehearsal_event import Event
from scaffolder.checks.rehearsal_line import Artifact, Delivered
from scaffolder.checks.rehearsal_stage import RehearsedKind
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

DEFAULT = ".github/workflows/ci.yml"


class Delivers(RehearsedKind, frozen=True, kw_only=True):
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

    workflow: str = DEFAULT
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
        require_started(context, self.workflow, "push", self.branch)
        good = healthy(context, self.workflow, "push", self.branch, self.harmless)
        delivered = self._delivered(good)
        if not delivered:
            return self._nothing_delivered(context, good)
        broken = self._broken(delivered)
        if broken:
            return failed(broken, Finding(broken, path=self.workflow))
        with ThreadPoolExecutor(4) as pool:
            others = list(pool.map(lambda rehearse_it: rehearse_it(), self._others(context)))
        for rehearsal in others:
            if rehearsal is not None and self._delivered(rehearsal):
                return self._delivered_wrongly(context, rehearsal)
        names = ", ".join(_base(file) for file in delivered)
        return passed(f"a push to {self.branch} delivers {names}, and nothing else does")

    def _others(self, context: Context) -> Iterator[Callable[[], Rehearsal | None]]:
        """Yield what rehearses each event that must not deliver; None where none starts."""

        def started(event: Event, branch: str) -> Rehearsal | None:
            workflow = workflow_model.of(context.run, self.workflow)
            if why_not_started(workflow, event, branch):
                return None
            return healthy(context, self.workflow, event, branch, self.harmless)

        yield lambda: started("pull_request", self.branch)
        yield lambda: started("push", "feature/change")
        for fault in self.gates:
            yield partial(faulty, context, self.workflow, "push", self.branch, fault)

    def _delivered(self, rehearsal: Rehearsal) -> list[Delivered]:
        return [file for artifact in rehearsal.artifacts for file in self._asked_for(artifact)]

    def _asked_for(self, artifact: Artifact) -> list[Delivered]:
        return [file for file in artifact.files if fnmatch.fnmatch(_base(file), self.files)]

    def _broken(self, files: Sequence[Delivered]) -> str:
        """Return what is wrong with the delivered files, nothing where one is a good package."""
        problems = []
        for file in files:
            names = _members(file.kept)
            if names is None:
                problems.append(f"{_base(file)} is not a readable package")
            elif not any(
                name == self.contains or name.endswith(f"/{self.contains}") for name in names
            ):
                problems.append(f"{_base(file)} does not contain {self.contains}")
            else:
                return ""
        return "; ".join(problems)

    def _nothing_delivered(self, context: Context, rehearsal: Rehearsal) -> Verdict:
        uploaded = [_artifact_words(artifact) for artifact in rehearsal.artifacts]
        if rehearsal.red:
            return red_when_healthy(context, rehearsal)
        require_playable(rehearsal)
        return failed(
            f"{rehearsal.scene.words} delivers nothing",
            Finding(f"no uploaded artifact has a file {self.files}", path=self.workflow),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"an artifact with a file {self.files}",
                actual="uploaded: " + ("; ".join(uploaded) or "nothing"),
                log=tuple(step_names(rehearsal)),
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
        artifact = next(one for one in rehearsal.artifacts if self._asked_for(one))
        message = f"{what} delivers {artifact.name}, and must not"
        line = job_line(context, self.workflow, artifact.job)
        return failed(
            message,
            Finding(message, path=self.workflow, line=line),
            evidence=Evidence(
                ran=rehearsal.command,
                expected=f"no artifact with a file {self.files}",
                actual=f"the job {artifact.job} uploaded {_artifact_words(artifact)}",
            ),
            hint=hint,
        )


def _base(file: Delivered) -> str:
    return file.name.rpartition("/")[2]


def _artifact_words(artifact: Artifact) -> str:
    names = [_base(file) for file in artifact.files]
    return f"{artifact.name} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"


def _members(path: Path) -> list[str] | None:
    """Return the names of the files in a package, None where it is no readable one."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive.namelist()
        with tarfile.open(path) as archive:
            return archive.getnames()
    except Exception:  # noqa: BLE001 -- any of a dozen, of the decompressors and of Python's
        return None
