"""Stop a job of an image while it works, and see how it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec

from scaffolder.checks.context import Context
from scaffolder.checks.docker.containers import find_patient_limit
from scaffolder.checks.docker.jobs import WatchedJob, watch_job
from scaffolder.checks.expectations.cases import Exit, OtherExit, refuse_bad_exit
from scaffolder.checks.expectations.judging import is_expected_exit, show_exit
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Evidence, Finding
from scaffolder.tools.processes import Ending

KILLED = 137


class StopTimingError(CheckFailedError):
    """The container did not end in time, or what was in flight was cut off."""


@dataclass(frozen=True)
class SeenStop:
    """A container that ended: seconds from the signal, the signal, and the exit code.

    `spare` are the seconds that it would still have had.
    """

    took: float
    signal: str
    exit_code: int
    spare: float


class StoppedJob(WatchedJob, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that is told to stop when it is looked at; `exit` is how it may end then."""

    exit: Exit = msgspec.field(default_factory=lambda: OtherExit(excluded=KILLED))

    def __post_init__(self) -> None:
        """Refuse what is no exit code."""
        WatchedJob.__post_init__(self)
        refuse_bad_exit(self.exit)


def stop_job(
    context: Context,
    dockerfile: str,
    job: StoppedJob,
    signal: str,
    *,
    within: float,
    start_within: float,
    image: str = "",
) -> SeenStop:
    """Run a job, send it a signal while it works, and return how it ended.

    `image` is another one than the learner's. Raises StopTimingError where it does not end in time,
    CheckFailedError where it ends as it may not.
    """
    ran = f"{' '.join(['docker run IMAGE', *job.arguments])}, then docker kill -s {signal}"
    seconds = find_patient_limit(context, start_within)
    with watch_job(context, dockerfile, job, seconds, image=image) as running:
        context.say(f"sending {signal} while the job works")
        first = next((one.command for one in running.container.processes()), "nothing")
        signalled = time.monotonic()
        running.container.kill(signal)
        done = running.finish(within, context.run.cancel)
        took = time.monotonic() - signalled
        log = running.show_last_lines()
    if done.ending is Ending.TIMED_OUT:
        what = f"still runs {within:.3g} s after {signal}"
        raise StopTimingError(
            f"the job {what}",
            Finding(what, rule="never-ends"),
            evidence=Evidence(
                ran, "the end of the container", f"it runs; its first process is: {first}", log
            ),
            hint="does the first process get the signal? a shell in front of the program does not"
            " hand it on, and process number 1 gets no signal that it has no handler for: use the"
            " exec form, and handle SIGTERM",
        )
    if not is_expected_exit(job.exit, done.returncode):
        wanted = show_exit(job.exit)
        what = f"ended with exit code {done.returncode} after {signal}, and not with {wanted}"
        raise CheckFailedError(
            f"the job {what}",
            Finding(what, rule="exit-code"),
            evidence=Evidence(ran, f"exit code {wanted}", f"exit code {done.returncode}", log),
            hint="what does the handler of the signal do last?",
            lasting=False,
        )
    return SeenStop(took, signal, done.returncode, within - took)
