"""Build an image from a folder: with BuildKit where this machine can, else the classic builder."""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scaffolder.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.engine import diagnosis
from scaffolder.tools.engine.classic import OUTPUT_LIMIT, Job, Outcome, build_classic
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, endpoint
from scaffolder.tools.engine.diagnosis import Cause, Diagnosis
from scaffolder.tools.processes import CancelToken, Completed, Ending

_LINES = 20
_SYNTAX = re.compile(r"\A#\s*syntax\s*=\s*docker(?:\.io)?/dockerfile(?::\S*)?\s*$", re.M | re.I)


@dataclass(frozen=True)
class Build:
    """An image that was built: its id, what the builder printed, and how long it took."""

    image_id: str
    log: tuple[str, ...]
    seconds: float
    builder: Literal["buildkit", "classic"]

    @property
    def bases(self) -> tuple[str, ...]:
        """Names of the images that the Dockerfile's stages start from."""
        return diagnosis.bases(self.log)


class BuildFailedError(Exception):
    """The learner's build came to no image.

    `reason` is a sentence, `log` its last lines; `bases` the images that it builds on;
    `missing_distribution` the Python distribution that no index had, if that was it; `stopped`
    tells whether it was stopped at a bound instead of ending by itself.
    """

    def __init__(
        self,
        reason: str,
        log: tuple[str, ...],
        *,
        bases: tuple[str, ...] = (),
        missing_distribution: str = "",
        stopped: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log
        self.bases = bases
        self.missing_distribution = missing_distribution
        self.stopped = stopped


def build(
    engine: Engine,
    folder: Path,
    *,
    run_id: str,
    timeout: float,
    cancel: CancelToken,
    dockerfile: str = "Dockerfile",
    target: str = "",
) -> Build:
    """Build `folder` and return the image, labelled with the run.

    Only what .dockerignore leaves is sent. `timeout` is in seconds and bounds the learner's steps.
    Raises BuildFailedError where the work is at fault, UnavailableError where an image, the
    network or the engine is missing.
    """
    started = time.monotonic()
    job = Job(engine, folder, run_id, timeout, cancel, dockerfile, target)
    outcome = _attempt(job)
    if not outcome.image_id and _without_syntax_line(folder / dockerfile, outcome):
        outcome = _attempt(job)
    if not outcome.image_id:
        _blame(outcome, timeout)
    return Build(outcome.image_id, outcome.log, time.monotonic() - started, outcome.builder)


def _attempt(job: Job) -> Outcome:
    cli = buildkit_cli()
    return _with_buildkit(cli, job) if cli else build_classic(job)


@functools.cache
def buildkit_cli() -> str:
    """Return the first docker command on PATH that can build with BuildKit, or nothing.

    A newer CLI without its buildx plugin cannot, while an older one further along may.
    """
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        candidate = shutil.which("docker", path=folder or os.curdir)
        if candidate and _can_buildkit(candidate):
            return candidate
    return ""


def _can_buildkit(candidate: str) -> bool:
    try:
        trial = processes.run(
            [candidate, "build", "--help"],
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            timeout=20,
            cancel=CancelToken(),
        )
    except UnavailableError:
        return False
    return trial.ok


def _with_buildkit(cli: str, job: Job) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="devlab-build-", dir=job.folder.parent) as place:
        id_file = Path(place, "id")
        completed = processes.run(
            [
                *(cli, "build", "--progress", "plain", "--iidfile", str(id_file)),
                *("--label", f"{RUN_LABEL}={job.run_id}"),
                *("--file", str(job.folder / job.dockerfile)),
                *(("--target", job.target) if job.target else ()),
                str(job.folder),
            ],
            timeout=job.timeout,
            cancel=job.cancel,
            env={
                **{name: value for name, value in os.environ.items() if name != "BUILDX_BUILDER"},
                "DOCKER_HOST": endpoint(),
                "DOCKER_BUILDKIT": "1",
                "BUILDKIT_PROGRESS": "plain",
                "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            },
            output_limit=OUTPUT_LIMIT,
        )
        image_id = id_file.read_text("utf-8").strip() if completed.ok else ""
    return Outcome(image_id, _lines(completed), completed.ending, "buildkit")


def _lines(completed: Completed) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in completed.output.splitlines() if line.strip())


def _without_syntax_line(path: Path, outcome: Outcome) -> bool:
    """Blank a `# syntax=docker/dockerfile:1` whose image cannot be fetched; tell whether it was.

    It names the builder's own language, which this engine's built-in frontend may well speak.
    The line stays a comment, so that line numbers do not move.
    """
    found = diagnosis.diagnose(outcome.log)
    if found.cause is not Cause.IMAGE_UNREACHABLE:
        return False
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    blanked = _SYNTAX.sub("#", text)
    if blanked == text:
        return False
    path.write_text(blanked, "utf-8")
    return True


def _blame(outcome: Outcome, timeout: float) -> None:
    """Raise what the failed build deserves."""
    log = _telling(outcome.log)
    if outcome.ending is Ending.TIMED_OUT:
        reason = f"the build did not end within {timeout:.0f} seconds"
        raise BuildFailedError(reason, log, stopped=True)
    if outcome.ending is Ending.TOO_MUCH_OUTPUT:
        reason = f"the build printed more than {OUTPUT_LIMIT // 2**20} MB and was stopped"
        raise BuildFailedError(reason, log, stopped=True)
    found = diagnosis.diagnose(outcome.log)
    _raise_if_unavailable(found)
    if found.cause is Cause.UNKNOWN_IMAGE:
        reason = f"the registry has no image {found.subject}, or does not show it to you"
    else:
        reason = _last_error(outcome.log)
    raise BuildFailedError(
        reason,
        log,
        bases=diagnosis.bases(outcome.log),
        missing_distribution=diagnosis.missing_distribution(outcome.log),
    )


def _raise_if_unavailable(found: Diagnosis) -> None:
    image = found.subject
    match found.cause:
        case Cause.ENGINE_GONE:
            raise UnavailableError(
                "the Docker Engine went away during the build", hint="start it, then check again"
            )
        case Cause.IMAGE_UNREACHABLE:
            raise UnavailableError(
                f"{image} is not on this machine and no registry answers,"
                " so nobody can say here whether there is such an image",
                hint=f"where there is a network: docker pull {image}",
            )
        case Cause.NETWORK:
            raise UnavailableError(
                f"a step of the build needs a network that is not there: {found.subject}",
                hint="connect this machine (or set Docker's proxy), then check again",
            )
        case Cause.NEEDS_BUILDKIT:
            raise UnavailableError(
                "the Dockerfile uses a feature of BuildKit, and no docker command here has it",
                hint="install the buildx plugin: https://docs.docker.com/go/buildx/",
            )


def _telling(log: tuple[str, ...]) -> tuple[str, ...]:
    """Return the last lines that tell something: no digests, no progress of transfers."""
    step = diagnosis.failed_step(log)
    if step and step.output:
        return step.output[-_LINES:]
    noise = re.compile(r"#\d+ (?:sha256:|DONE|CACHED|transferring|extracting)|-+$| > ")
    lines = [diagnosis.strip_progress(line) for line in log if not noise.match(line)]
    return tuple(lines[-_LINES:])


def _last_error(log: tuple[str, ...]) -> str:
    """Return what failed, as a sentence."""
    step = diagnosis.failed_step(log)
    if step and step.output:
        return f"the step {step.instruction!r} failed: {step.output[-1]}"
    for line in reversed(log):
        cleaned = diagnosis.strip_progress(line)
        if re.match(r"(?:ERROR|error|failed to solve|executor failed)\b", cleaned):
            return f"the build failed: {cleaned.removeprefix('ERROR: ')}"
    return f"the build failed: {diagnosis.strip_progress(log[-1]) if log else 'it said nothing'}"
