"""How the run of a pipeline ended where it did not come to a verdict, and what that says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scaffolder.checks.github import act
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import NotShownError
from scaffolder.model import Evidence
from scaffolder.sandbox import Limits
from scaffolder.tools.processes import Completed, Ending

OUTPUT_LIMIT = 32 * 1024 * 1024
LIMITS = Limits(memory_mb=32768, processes=4096)
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
    done: Completed,
    record: act.Record,
    *,
    too_much: str,
    event: str,
    words: str,
    seconds: float,
    forgives: Callable[[act.Step], bool],
) -> Trouble | None:
    """Return why a run of act cannot be judged, None where it can.

    `too_much` is what it says too much of, `words` and `event` what was rehearsed, `seconds` how
    long it had; `forgives` tells whether a failed step turns nothing red.
    """
    running = record.steps[-1] if record.steps else None
    if too_much or done.ending is not Ending.EXITED:
        where = f", in the step {running.name[:80]!r}" if running else ""
        error = CheckFailedError(
            f"the pipeline {_excess(done, too_much, seconds)} for {words}{where}",
            evidence=Evidence(
                ran=f"act {event}", log=act.as_told(running.log[-15:]) if running else ()
            ),
            hint="look for a step that waits for something, never ends or starts itself again",
            lasting=False,
        )
        return Trouble(error, may_be_machine=done.ending is Ending.TIMED_OUT)
    crashed = done.returncode not in _CODES
    if crashed or (done.returncode and not any(s.result == "failure" for s in record.steps)):
        # GitHub takes it: who writes it for act has looked.
        complaint = record.errors[-1] if record.errors else f"exit code {done.returncode}"
        said = "crashes" if crashed else "cannot run the workflow"
        more = "" if crashed else f": {complaint[:300]}"
        return Trouble(
            NotShownError(
                f"act, which plays GitHub's runner here, {said} for {words}{more}",
                hint="it may well be right on GitHub; write it in a way that act can run",
            ),
            may_be_machine=True,
        )
    stopped = [each for each in record.failed_steps if each.cancelled and not forgives(each)]
    return Trouble(_stopped(stopped[0], event, words)) if stopped else None


def _stopped(step: act.Step, event: str, words: str) -> CheckFailedError:
    """Return the failure of a step that was cut short: a runner of GitHub's listens to no step."""
    return CheckFailedError(
        f"the pipeline was stopped for {words}, in the step {step.name[:80]!r}",
        evidence=Evidence(ran=f"act {event}", log=act.as_told(step.log[-15:])),
        hint="no step may tell the runner to end, and each has to end within its timeout-minutes",
        lasting=False,
    )


def _excess(done: Completed, too_much: str, seconds: float) -> str:
    return {
        Ending.EXITED: f"sends {too_much}",
        Ending.TIMED_OUT: f"did not end within {seconds:g} seconds",
        Ending.TOO_MUCH_OUTPUT: f"printed more than {OUTPUT_LIMIT // 2**20} MB",
        Ending.TOO_MANY_PROCESSES: f"had more than {LIMITS.processes:,} processes",
        Ending.TOO_MUCH_MEMORY: f"took more than {LIMITS.total_memory_mb:,} MB of memory",
        Ending.TOO_MUCH_DISK: f"wrote more than {LIMITS.disk_mb:,} MB",
    }[done.ending]
