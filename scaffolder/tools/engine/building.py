"""Build an image from a folder: with BuildKit where this machine can, else the classic builder."""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

from scaffolder.core.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.engine import buildlog, cleanup, diagnosis, machine
from scaffolder.tools.engine.classic import (
    OUTPUT_LIMIT,
    BuildJob,
    BuildOutcome,
    build_classic,
    split_output,
)
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, find_endpoint, require_answer
from scaffolder.tools.engine.diagnosis import Diagnosis, FailureCause
from scaffolder.tools.processes import CancelToken, Ending

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
        return buildlog.list_bases(self.log)

    @property
    def stages_run(self) -> tuple[str, ...]:
        """The stages in which a RUN was carried out, as BuildKit calls them."""
        return buildlog.list_run_stages(self.log)


@dataclass(eq=False)
class BuildFailedError(Exception):
    """The build came to no image.

    `reason` is a sentence, `log` its last lines; `stopped` tells whether it was stopped at a bound
    instead of ending by itself; `line` is that of the Dockerfile, and `step` its instruction, where
    the builder tells which one failed; `bases` are the images that it builds on and
    `missing_distribution` the Python distribution that no index had, if that was it.

    `diagnosis` is what the builder's own words, and `suspected` what anybody's words, make one
    suspect beside the work. Words prove nothing: who wants to blame the machine has to look.
    """

    reason: str
    log: tuple[str, ...]
    stopped: bool = False
    line: int | None = None
    step: str = ""
    bases: tuple[str, ...] = ()
    missing_distribution: str = ""
    diagnosis: Diagnosis = field(default_factory=lambda: Diagnosis(FailureCause.LEARNER))
    suspected: UnavailableError | None = None
    builder: Literal["buildkit", "classic"] = "buildkit"

    def __str__(self) -> str:
        return self.reason


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

    `dockerfile` may lie elsewhere: a path that is not absolute is one in the folder. Only what
    .dockerignore leaves is sent. `timeout` is in seconds and bounds the steps. Raises
    BuildFailedError where it comes to no image, UnavailableError where the engine does not answer.
    """
    started = time.monotonic()
    job = BuildJob(engine, folder, run_id, timeout, cancel, dockerfile, target)
    outcome = _attempt(job)
    if not outcome.image_id and _without_syntax_line(folder / dockerfile, outcome):
        outcome = _attempt(job)
    if not outcome.image_id:
        _blame(job, outcome)
    return Build(outcome.image_id, outcome.log, time.monotonic() - started, outcome.builder)


def _attempt(job: BuildJob) -> BuildOutcome:
    cli = find_buildkit_cli()
    ended = False
    try:
        outcome = _with_buildkit(cli, job) if cli else build_classic(job)
        ended = outcome.ending is Ending.EXITED
    finally:
        if not ended:
            cleanup.note_cut_off(job.run_id)
    return outcome


@functools.cache
def find_buildkit_cli() -> str:
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
            # Told where the engine is, it does not look for a context that may be gone.
            env={**os.environ, "DOCKER_HOST": find_endpoint(), "DOCKER_BUILDKIT": "1"},
            timeout=20,
            cancel=CancelToken(),
        )
    except UnavailableError:
        return False
    return trial.ok


def _with_buildkit(cli: str, job: BuildJob) -> BuildOutcome:
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
                **os.environ,
                # With DOCKER_HOST set the docker context is the default one, and so is its builder,
                # whatever `docker buildx use` chose: the engine's own, whose images it has at once.
                "DOCKER_HOST": find_endpoint(),
                "BUILDX_BUILDER": "default",
                "DOCKER_BUILDKIT": "1",
                "BUILDKIT_PROGRESS": "plain",
                "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            },
            output_limit=OUTPUT_LIMIT,
        )
        image_id = id_file.read_text("utf-8").strip() if completed.ok else ""
    return BuildOutcome(image_id, split_output(completed.output), completed.ending, "buildkit")


def _without_syntax_line(path: Path, outcome: BuildOutcome) -> bool:
    """Blank a `# syntax=docker/dockerfile:1` whose image cannot be fetched; tell whether it was.

    It names the builder's own language, which this engine's built-in frontend may well speak.
    The line stays a comment, so that line numbers do not move.
    """
    if diagnosis.diagnose_build(outcome.log).cause is not FailureCause.IMAGE_UNREACHABLE:
        return False
    text = _text(path)
    blanked = _SYNTAX.sub("#", text)
    if blanked == text:
        return False
    path.write_text(blanked, "utf-8")
    return True


def _text(path: Path) -> str:
    """Return the Dockerfile's text, nothing where it is none."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _blame(job: BuildJob, outcome: BuildOutcome) -> NoReturn:
    """Raise what the failed build deserves."""
    log = buildlog.list_telling_lines(outcome.log)[-_LINES:]
    if outcome.ending is Ending.TIMED_OUT:
        reason = f"the build did not end within {job.timeout:.0f} seconds"
        raise BuildFailedError(reason, log, stopped=True)
    if outcome.ending is Ending.TOO_MUCH_OUTPUT:
        reason = f"the build printed more than {OUTPUT_LIMIT // 2**20} MB and was stopped"
        raise BuildFailedError(reason, log, stopped=True)
    require_answer(job.engine)
    found = diagnosis.diagnose_build(outcome.log)
    step = buildlog.find_failed_step(outcome.log)
    reason = buildlog.find_reason(outcome.log)
    if found.cause is FailureCause.UNKNOWN_IMAGE:
        reason = f"the registry has no image {found.subject}, or does not show it to you"
    raise BuildFailedError(
        reason,
        log,
        line=buildlog.find_failed_line(outcome.log, _text(job.folder / job.dockerfile)),
        step=step.instruction if step else "",
        bases=buildlog.list_bases(outcome.log),
        missing_distribution=buildlog.find_missing_distribution(outcome.log),
        diagnosis=found,
        suspected=_suspected(found) or (machine.suspect_trouble(step.output) if step else None),
        builder=outcome.builder,
    )


def _suspected(found: Diagnosis) -> UnavailableError | None:
    """Return what to say of the machine, should it prove to be at fault."""
    match found.cause:
        case FailureCause.ENGINE_GONE:
            return UnavailableError(
                "the Docker Engine went away during the build", hint="start it, then check again"
            )
        case FailureCause.NETWORK:
            return UnavailableError(
                f"a step of the build needs a network that is not there: {found.subject}",
                hint="connect this machine (or set Docker's proxy), then check again",
            )
        case FailureCause.MACHINE:
            return machine.recognize_trouble(found.subject) or UnavailableError(found.subject)
    return None
