"""When a red step shows nothing about the work: it asked for what a rehearsal has not got.

A rehearsal has no network and not every action. What a step prints is the learner's to choose, so
words alone excuse nothing: the kernel must have counted an attempt to reach the network while the
step ran, and a stand-in must have reported what it cannot do. An excuse wins nothing either: what
is excused is not shown, and its points stay where they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scaffolder.tools.act import Step

# How a stand-in's step says what it cannot play.
NOT_HERE = re.compile(r"devlab has no local equivalent of ([^\n]+)")

_NETWORK_HINT = (
    "rehearsals have no network: do without it, or only where it is no gate (a job of its own)"
)


@dataclass(frozen=True)
class Excuse:
    """Why a step was not judged, and what would make it count."""

    message: str
    hint: str


@dataclass(frozen=True)
class Witnesses:
    """What bears out a step's words: what stand-ins reported as `lacking`, and the steps (job and
    key, no key for one within an action) that failed after they tried to reach the network."""

    lacking: frozenset[str]
    unreachable: frozenset[tuple[str, str]]

    def excuse(self, step: Step) -> Excuse | None:
        """Return why a failed step shows nothing, None where it does."""
        for found in NOT_HERE.finditer("\n".join(step.log)):
            what = found[1].strip()
            if what in self.lacking:
                return Excuse(
                    f"the step {step.name[:80]!r} cannot be rehearsed: devlab has no local "
                    f"equivalent of {what}",
                    "do it with what the instructions name, and it counts",
                )
        if {(step.job_id, step.key), (step.job_id, "")} & self.unreachable:
            said = next((line.strip() for line in reversed(step.log) if line.strip()), "")
            return Excuse(
                f"the step {step.name[:80]!r} of the job {step.job_id} wants the network, and "
                f"rehearsals have none{': ' + said[:200] if said else ''}",
                _NETWORK_HINT,
            )
        return None
