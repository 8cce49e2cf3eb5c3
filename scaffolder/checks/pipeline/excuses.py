"""When a red step shows nothing about the work: it asked for what a rehearsal has not got.

A rehearsal has no network and not every action. What a step prints is the learner's to choose, so
words alone excuse nothing: the kernel must have counted an attempt to reach the network while the
step ran, and a stand-in must have reported what it cannot do. An excuse wins nothing either: what
is excused is not shown, and its points stay where they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scaffolder.checks.pipeline.runner import Excuse, PipelineRun, StepRun, find_runner
from scaffolder.core.errors import NotShownError

# What a step wants that tried to reach beyond this machine.
NETWORK = "the network"
# How a stand-in's step says what it cannot play.
NOT_HERE = re.compile(r"devlab has no local equivalent of ([^\n]+)")

_NETWORK_HINT = (
    "rehearsals have no network: do without it, or only where it is no gate (a job of its own)"
)
_HINT = "do it with what the instructions name, and it counts"
_HINTS = {
    "program": "{system}'s image has it, this machine does not: install it here where that can be "
    "done, or get it in the step (with pip, from PyPI), and it counts",
}


@dataclass(frozen=True)
class Witnesses:
    """What bears out that a step asked for what is not here: what was reported as `lacking`, and
    the steps that tried to reach the network. Both begin with job and key; within an action the key
    is not known."""

    lacking: frozenset[tuple[str, str, str]]
    unreachable: frozenset[tuple[str, str]]

    def list_wants(self, step: StepRun) -> frozenset[str]:
        """Return what a step asked for that no rehearsal has."""
        said = {found[1].strip() for found in NOT_HERE.finditer("\n".join(step.log))}
        wanted = {
            name
            for job, key, name in self.lacking
            if job == step.job_id and (key == step.key if key else name in said)
        }
        if {(step.job_id, step.key), (step.job_id, "")} & self.unreachable:
            wanted.add(NETWORK)
        return frozenset(wanted)


def require_playable(*runs: PipelineRun) -> None:
    """Raise NotShownError where a step went red for want of what no rehearsal has got."""
    for run in runs:
        system = find_runner(run.scene.pipeline).wording.system
        for excuse in run.excuses:
            message, hint = _tell_excuse(excuse)
            raise NotShownError(
                message, hint=f"it may well be right on {system}. {hint.format(system=system)}"
            )


def _tell_excuse(excuse: Excuse) -> tuple[str, str]:
    """Return why a step was not judged, and what would make it count."""
    step = excuse.step
    name = f"the step {step.name[:80]!r} of the job {step.job_id}"
    if what := next((one for one in excuse.wanted if one != NETWORK), ""):
        message = f"{name} cannot be rehearsed: devlab has no local equivalent of {what}"
        return message, _HINTS.get(what.split()[1] if " " in what else "", _HINT)
    said = next((line.strip() for line in reversed(step.log) if line.strip()), "")
    words = f"{name} wants the network, and rehearsals have none"
    return f"{words}: {said[:200]}" if said else words, _NETWORK_HINT
