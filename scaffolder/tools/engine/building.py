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
from typing import Literal, NoReturn

from scaffolder.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.dockerfile import instructions
from scaffolder.tools.engine import buildlog, diagnosis, machine
from scaffolder.tools.engine.classic import OUTPUT_LIMIT, Job, Outcome, build_classic, said
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, endpoint, require_answer
from scaffolder.tools.engine.diagnosis import Cause, Diagnosis
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
        return buildlog.bases(self.log)

    @property
    def stages_run(self) -> tuple[str, ...]:
        """The stages in which a RUN was carried out, as BuildKit calls them."""
        return buildlog.stages_run(self.log)


class BuildFailedError(Exception):
    """The learner's build came to no image.

    `reason` is a sentence, `log` its last lines; `bases` the images that it builds on;
    `missing_distribution` the Python distribution that no index had, if that was it; `stopped`
    tells whether it was stopped at a bound instead of ending by itself; `line` is that of the
    Dockerfile, where the builder tells which instruction failed.
    """

    def __init__(
        self,
        reason: str,
        log: tuple[str, ...],
        *,
        bases: tuple[str, ...] = (),
        missing_distribution: str = "",
        stopped: bool = False,
        line: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log
        self.bases = bases
        self.missing_distribution = missing_distribution
        self.stopped = stopped
        self.line = line


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
    .dockerignore leaves is sent. `timeout` is in seconds and bounds the learner's steps.
    Raises BuildFailedError where the work is at fault, UnavailableError where an image, the
    network or the engine is missing.
    """
    started = time.monotonic()
    job = Job(engine, folder, run_id, timeout, cancel, dockerfile, target)
    outcome = _attempt(job)
    if not outcome.image_id and _without_syntax_line(folder / dockerfile, outcome):
        outcome = _attempt(job)
    if not outcome.image_id:
        _blame(job, outcome)
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
            # Told where the engine is, it does not look for a context that may be gone.
            env={**os.environ, "DOCKER_HOST": endpoint(), "DOCKER_BUILDKIT": "1"},
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
                **os.environ,
                # With DOCKER_HOST set the docker context is the default one, and so is its builder,
                # whatever `docker buildx use` chose: the engine's own, whose images it has at once.
                "DOCKER_HOST": endpoint(),
                "BUILDX_BUILDER": "default",
                "DOCKER_BUILDKIT": "1",
                "BUILDKIT_PROGRESS": "plain",
                "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            },
            output_limit=OUTPUT_LIMIT,
        )
        image_id = id_file.read_text("utf-8").strip() if completed.ok else ""
    return Outcome(image_id, said(completed.output), completed.ending, "buildkit")


def _without_syntax_line(path: Path, outcome: Outcome) -> bool:
    """Blank a `# syntax=docker/dockerfile:1` whose image cannot be fetched; tell whether it was.

    It names the builder's own language, which this engine's built-in frontend may well speak.
    The line stays a comment, so that line numbers do not move.
    """
    if diagnosis.diagnose(outcome.log).cause is not Cause.IMAGE_UNREACHABLE:
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


def _blame(job: Job, outcome: Outcome) -> NoReturn:
    """Raise what the failed build deserves."""
    log = buildlog.telling(outcome.log)[-_LINES:]
    if outcome.ending is Ending.TIMED_OUT:
        reason = f"the build did not end within {job.timeout:.0f} seconds"
        raise BuildFailedError(reason, log, stopped=True)
    if outcome.ending is Ending.TOO_MUCH_OUTPUT:
        reason = f"the build printed more than {OUTPUT_LIMIT // 2**20} MB and was stopped"
        raise BuildFailedError(reason, log, stopped=True)
    require_answer(job.engine)
    text = _text(job.folder / job.dockerfile)
    found = diagnosis.diagnose(outcome.log)
    line = buildlog.failed_line(outcome.log, text)
    _raise_if_unavailable(found)
    _raise_if_in_here_document(text, line)
    _raise_if_machine_failed(job, outcome)
    reason = buildlog.reason(outcome.log)
    if found.cause is Cause.UNKNOWN_IMAGE:
        reason = f"the registry has no image {found.subject}, or does not show it to you"
    raise BuildFailedError(
        reason,
        log,
        bases=buildlog.bases(outcome.log),
        missing_distribution=buildlog.missing_distribution(outcome.log),
        line=line,
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
        case Cause.BUILDER_TOO_OLD:
            raise _too_old(image)
        case Cause.MACHINE:
            raise machine.unavailable(found.subject) or UnavailableError(found.subject)


def _raise_if_machine_failed(job: Job, outcome: Outcome) -> None:
    """Raise UnavailableError where the step that failed met trouble of the machine."""
    step = buildlog.failed_step(outcome.log)
    bases = buildlog.bases(outcome.log)
    if step and (found := machine.confirmed(job.engine, job.run_id, step.output, bases)):
        raise found


def _raise_if_in_here_document(text: str, line: int | None) -> None:
    """Raise UnavailableError where the builder took a line of a here-document for an instruction.

    No builder that knows them looks for an instruction there.
    """
    for instruction in instructions(text):
        inside = line is not None and instruction.line < line <= instruction.last_line
        if instruction.here_document and inside:
            raise _too_old("here-documents (<<)")


def _too_old(feature: str) -> UnavailableError:
    return UnavailableError(
        f"the Dockerfile uses {feature}, for which the builder of this machine's engine is too old",
        hint="update Docker: https://docs.docker.com/engine/install/",
    )
