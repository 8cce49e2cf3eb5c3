"""When a red step shows nothing about the work: it asked for what a rehearsal has not got.

A rehearsal has no network and not every action. What a step prints is the learner's to choose, so
words alone excuse nothing: the kernel must have counted an attempt to reach the network while the
step ran, and a stand-in must have reported what it cannot do. An excuse wins nothing either: what
is excused is not shown, and its points stay where they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scaffolder.checks.github.act import Step

# How a stand-in's step says what it cannot play.
NOT_HERE = re.compile(r"devlab has no local equivalent of ([^\n]+)")

_NETWORK_HINT = (
    "rehearsals have no network: do without it, or only where it is no gate (a job of its own)"
)
_HINT = "do it with what the instructions name, and it counts"
_HINTS = {
    "program": "GitHub's image has it, this machine does not: install it here where that can be "
    "done, or get it in the step (with pip, from PyPI), and it counts",
}


@dataclass(frozen=True)
class Excuse:
    """Why a step was not judged, and what would make it count."""

    message: str
    hint: str


_NETWORK = "the network"


@dataclass(frozen=True)
class Witnesses:
    """What bears out that a step asked for what is not here: what was reported as `lacking`, and
    the steps that tried to reach the network. Both begin with job and key; within an action the key
    is not known."""

    lacking: frozenset[tuple[str, str, str]]
    unreachable: frozenset[tuple[str, str]]

    def wants(self, step: Step) -> frozenset[str]:
        """Return what a step asked for that no rehearsal has."""
        said = {found[1].strip() for found in NOT_HERE.finditer("\n".join(step.log))}
        wanted = {
            name
            for job, key, name in self.lacking
            if job == step.job_id and (key == step.key if key else name in said)
        }
        if self.reached_out(step):
            wanted.add(_NETWORK)
        return frozenset(wanted)

    def reached_out(self, step: Step) -> bool:
        """Whether something tried to reach the network while a step ran."""
        return bool({(step.job_id, step.key), (step.job_id, "")} & self.unreachable)

    def excuse(self, step: Step, anyway: frozenset[str] = frozenset()) -> Excuse | None:
        """Return why a failed step shows nothing, None where it does.

        `anyway` is what the same step asked for where it was green: that turned nothing red.
        """
        wanted = sorted(self.wants(step) - anyway)
        if not wanted:
            return None
        name = f"the step {step.name[:80]!r} of the job {step.job_id}"
        if wanted != [_NETWORK]:
            what = next(one for one in wanted if one != _NETWORK)
            return Excuse(
                f"{name} cannot be rehearsed: devlab has no local equivalent of {what}",
                _HINTS.get(what.split()[1] if " " in what else "", _HINT),
            )
        said = next((line.strip() for line in reversed(step.log) if line.strip()), "")
        words = f"{name} wants the network, and rehearsals have none"
        return Excuse(f"{words}: {said[:200]}" if said else words, _NETWORK_HINT)
