"""GitHub Actions as a CI system of the kinds `pipeline.*`: workflows, rehearsed by act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffolder.checks.context import Run
from scaffolder.checks.github import (
    act,
    workflow_guards,
    workflow_model,
    workflow_triggers,
)
from scaffolder.checks.github.rehearsal import rehearse
from scaffolder.checks.github.workflow_model import Step, Workflow
from scaffolder.checks.pipeline.runner import (
    Event,
    Guard,
    PipelineRun,
    Scene,
    StepRun,
    Wording,
    Work,
)

_WORDING = Wording(
    system="GitHub",
    forgiving="continue-on-error",
    repeat="the log says why the step failed; act runs the same on your machine",
    deliver="build with python -m build, then actions/upload-artifact with path: dist/",
    wait="needs: must name every gate of the delivering job, and its if must not be always()",
    restrict="give the delivering job an if: a push, and refs/heads/{branch}",
    versions="give the test job a strategy.matrix of versions, and give the variable to "
    "actions/setup-python; quote them, as YAML reads 3.10 as 3.1",
)


@dataclass(frozen=True)
class WorkflowFile:
    """What a workflow says: a `PipelineFile`. `root` is the folder of its repository."""

    workflow: Workflow
    root: Path

    @property
    def trigger_line(self) -> int:
        """The line of `on`."""
        return self.workflow.line("on")

    def why_not_started(self, event: Event, ref: str, *, tag: bool = False) -> str:
        """Return why an event would not start the workflow on GitHub, "" where it would.

        act runs a workflow whatever its filters of branches say.
        """
        if tag:
            reasons = workflow_triggers.why_tag_not_pushed(self.workflow, ref)
        elif event == "pull_request":
            reasons = workflow_triggers.why_no_pull_request(self.workflow, ref, ())
        else:
            reasons = workflow_triggers.why_not_pushed(self.workflow, ref, ())
        return next((message for _, _, message in reasons), "")

    def find_job_line(self, job_id: str) -> int | None:
        """Return the line where a job begins."""
        job = self.workflow.jobs.get(job_id)
        return job.line if job else None

    def find_step_line(self, step: StepRun) -> int | None:
        """Return the line where a step begins, None where it is in another file."""
        found = self._find_step(step)
        return found.line if found else self.find_job_line(step.job_id)

    def find_script(self, step: StepRun) -> str:
        """Return what `run` of a step says."""
        found = self._find_step(step)
        return str(found.data.get("run", "")) if found else ""

    def _find_step(self, step: StepRun) -> Step | None:
        job = self.workflow.jobs.get(step.job_id)
        own = step.key.rpartition(" ")[2]
        for index, each in enumerate(job.steps if job else ()):
            if own in (str(index), each.data.get("id")):
                return each
        return None

    def list_guards(self) -> Sequence[Guard]:
        """Return the conditions that ask for a repository, in called workflows too."""
        guards = (guard for each in self._all() for guard in workflow_guards.list_guards(each))
        return tuple({guard.repository: guard for guard in guards}.values())

    def asks_who_acts(self) -> bool:
        """Whether anything in it, or in a called workflow, has to do with who somebody is."""
        return any(workflow_guards.asks_who_acts(each) for each in self._all())

    def _all(self) -> tuple[Workflow, ...]:
        return (self.workflow, *workflow_model.load_called_workflows(self.root, self.workflow))


class WorkflowRunner:
    """Runs workflows as GitHub would: a `Runner` of pipelines."""

    wording = _WORDING

    def read_file(self, run: Run, path: str) -> WorkflowFile:
        """Read a workflow; raises as `workflow_model.read_workflow`."""
        return WorkflowFile(workflow_model.read_workflow(run, path), run.snapshot)

    def run(self, scene: Scene, work: Work) -> PipelineRun:
        """Rehearse a scene; raises as `rehearse`."""
        return rehearse(scene, work)

    def clean_log(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Return lines of a log without the folders that act made."""
        return act.strip_folders(lines)


RUNNER = WorkflowRunner()
