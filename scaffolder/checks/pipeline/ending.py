"""The bounds of a rehearsal, and what it says about the work where one of them ended it."""

from __future__ import annotations

from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pipeline.runner import Scene
from scaffolder.model import Evidence
from scaffolder.sandbox import Limits
from scaffolder.tools.processes import Completed, Ending

OUTPUT_LIMIT = 32 * 1024 * 1024
LIMITS = Limits(memory_mb=32768, processes=4096)


def find_excess(
    done: Completed,
    scene: Scene,
    seconds: float,
    evidence: Evidence,
    *,
    step: str = "",
    too_much: str = "",
) -> CheckFailedError | None:
    """Return the failure of a pipeline that was ended by its bounds, None where it ended by itself.

    `seconds` is how long it had, `step` the name of the step that ran, and `too_much` what it said
    too much of on its line.
    """
    if not too_much and done.ending is Ending.EXITED:
        return None
    where = f", in the step {step[:80]!r}" if step else ""
    return CheckFailedError(
        f"the pipeline {_tell_excess(done, too_much, seconds)} for {scene.words}{where}",
        evidence=evidence,
        hint="look for a step that waits for something, never ends or starts itself again",
        lasting=False,
    )


def _tell_excess(done: Completed, too_much: str, seconds: float) -> str:
    return {
        Ending.EXITED: f"sends {too_much}",
        Ending.TIMED_OUT: f"did not end within {seconds:g} seconds",
        Ending.TOO_MUCH_OUTPUT: f"printed more than {OUTPUT_LIMIT // 2**20} MB",
        Ending.TOO_MANY_PROCESSES: f"had more than {LIMITS.processes:,} processes",
        Ending.TOO_MUCH_MEMORY: f"took more than {LIMITS.total_memory_mb:,} MB of memory",
        Ending.TOO_MUCH_DISK: f"wrote more than {LIMITS.disk_mb:,} MB",
    }[done.ending]
