"""How the run of a pipeline ended where it did not come to a verdict, and what that says."""

from __future__ import annotations

from dataclasses import dataclass

from scaffolder.checks.github import act
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pipeline.ending import find_excess
from scaffolder.checks.pipeline.runner import Scene, StepRun
from scaffolder.core.errors import NotShownError
from scaffolder.model import Evidence
from scaffolder.tools.processes import Completed, Ending

# act ends with one of them; other codes are a crash's, or those of a signal.
_CODES = (0, 1)


@dataclass(frozen=True)
class Trouble:
    """Why there is nothing to judge.

    With `may_be_machine` it is the work's only where the lab's own answer has no such trouble.
    """

    error: CheckFailedError | NotShownError
    may_be_machine: bool = False


def find_trouble(
    done: Completed, record: act.Record, scene: Scene, *, seconds: float, too_much: str
) -> Trouble | None:
    """Return why a run of act cannot be judged, None where it can.

    `seconds` is how long it had, `too_much` what it says too much of.
    """
    running = record.steps[-1] if record.steps else None
    evidence = Evidence(
        ran=f"act {scene.event}", log=act.strip_folders(running.log[-15:]) if running else ()
    )
    name = running.name if running else ""
    excess = find_excess(done, scene, seconds, evidence, step=name, too_much=too_much)
    if excess is not None:
        return Trouble(excess, may_be_machine=done.ending is Ending.TIMED_OUT)
    crashed = done.returncode not in _CODES
    if crashed or (done.returncode and not any(s.result == "failure" for s in record.steps)):
        # GitHub takes it: who writes it for act has looked.
        complaint = record.errors[-1] if record.errors else f"exit code {done.returncode}"
        said = "crashes" if crashed else "cannot run the workflow"
        more = "" if crashed else f": {complaint[:300]}"
        return Trouble(
            NotShownError(
                f"act, which plays GitHub's runner here, {said} for {scene.words}{more}",
                hint="it may well be right on GitHub; write it in a way that act can run",
            ),
            may_be_machine=True,
        )
    stopped = next((each for each in record.steps if each.red and each.cancelled), None)
    return Trouble(_stopped(stopped, scene)) if stopped else None


def _stopped(step: StepRun, scene: Scene) -> CheckFailedError:
    """Return the failure of a step that was cut short: a runner of GitHub's listens to no step."""
    return CheckFailedError(
        f"the pipeline was stopped for {scene.words}, in the step {step.name[:80]!r}",
        evidence=Evidence(ran=f"act {scene.event}", log=act.strip_folders(step.log[-15:])),
        hint="no step may tell the runner to end, and each has to end within its timeout-minutes",
        lasting=False,
    )
