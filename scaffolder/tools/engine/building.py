"""Build an image from a folder: with BuildKit where this machine can, else the classic builder."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scaffolder.errors import InterruptedRunError, UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.engine import diagnosis
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, endpoint, trouble
from scaffolder.tools.engine.diagnosis import Cause, Diagnosis
from scaffolder.tools.processes import CancelToken, Completed, Ending

OUTPUT_LIMIT = 8 * 1024 * 1024
_SYNTAX = re.compile(r"\A#\s*syntax\s*=\s*docker(?:\.io)?/dockerfile(?::\S*)?\s*$", re.M | re.I)
_IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}|Successfully built ([0-9a-f]{12,64})")


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
    job = _Job(engine, folder, run_id, timeout, cancel, dockerfile, target)
    outcome = _attempt(job)
    if not outcome.image_id and _without_syntax_line(folder / dockerfile, outcome):
        outcome = _attempt(job)
    if not outcome.image_id:
        _blame(outcome, timeout)
    return Build(outcome.image_id, outcome.log, time.monotonic() - started, outcome.builder)


@dataclass(frozen=True)
class _Job:
    engine: Engine
    folder: Path
    run_id: str
    timeout: float
    cancel: CancelToken
    dockerfile: str
    target: str


@dataclass(frozen=True)
class _Outcome:
    image_id: str
    log: tuple[str, ...]
    ending: Ending
    builder: Literal["buildkit", "classic"]


def _attempt(job: _Job) -> _Outcome:
    cli = buildkit_cli()
    return _with_buildkit(cli, job) if cli else _classic(job)


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


def _with_buildkit(cli: str, job: _Job) -> _Outcome:
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
    return _Outcome(image_id, _lines(completed), completed.ending, "buildkit")


def _lines(completed: Completed) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in completed.output.splitlines() if line.strip())


def _without_syntax_line(path: Path, outcome: _Outcome) -> bool:
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


def _blame(outcome: _Outcome, timeout: float) -> None:
    """Raise what the failed build deserves."""
    log = tuple(diagnosis.strip_progress(line) for line in outcome.log[-25:])
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


def _last_error(log: tuple[str, ...]) -> str:
    """Return the line that names what failed, as a sentence."""
    for line in reversed(log):
        cleaned = diagnosis.strip_progress(line)
        if re.match(r"(?:ERROR|error|failed to solve|executor failed)\b", cleaned):
            return f"the build failed: {cleaned.removeprefix('ERROR: ')}"
    return f"the build failed: {diagnosis.strip_progress(log[-1]) if log else 'it said nothing'}"


# ---- the classic builder ---------------------------------------------------------------------


def _classic(job: _Job) -> _Outcome:
    """Build through the SDK, which knows only the classic builder, and stream what it says."""
    with trouble():
        stream = job.engine.api.build(
            path=str(job.folder),
            dockerfile=job.dockerfile,
            rm=True,
            forcerm=True,
            labels={RUN_LABEL: job.run_id},
            target=job.target or None,
            decode=True,
        )
        log, ending = _follow(stream, job)
    built = [found[1] for line in log if (found := _IMAGE_ID.match(line)) and found[1]]
    if ending is Ending.EXITED and built and not any(line.startswith("ERROR") for line in log):
        return _Outcome(_full_id(job.engine, built[-1]), log, ending, "classic")
    _remove_intermediate(job.engine, log)
    return _Outcome("", log, ending, "classic")


def _full_id(engine: Engine, short: str) -> str:
    with trouble():
        return str(engine.api.inspect_image(short)["Id"])


def _follow(stream: Any, job: _Job) -> tuple[tuple[str, ...], Ending]:
    """Read a build's messages until it ends or a bound is hit; closing the stream stops it."""
    over = threading.Event()

    def stop() -> None:
        over.set()
        with contextlib.suppress(Exception):
            stream.close()

    timer = threading.Timer(job.timeout, stop)
    timer.daemon = True
    lines: list[str] = []
    with job.cancel.on_cancel(stop):
        timer.start()
        try:
            ending = _collect(stream, lines, over.is_set)
        finally:
            timer.cancel()
    if job.cancel.cancelled:
        raise InterruptedRunError
    return tuple(lines), Ending.TIMED_OUT if over.is_set() else ending


def _collect(
    stream: Iterator[dict[str, Any]], lines: list[str], over: Callable[[], bool]
) -> Ending:
    left = OUTPUT_LIMIT
    try:
        for message in stream:
            text = message.get("stream") or message.get("status") or ""
            if problem := message.get("error"):
                text = f"ERROR: {problem}"
            left -= len(text)
            lines.extend(line for line in text.splitlines() if line.strip())
            if left <= 0:
                return Ending.TOO_MUCH_OUTPUT
    except Exception:
        if not over():
            raise
    return Ending.EXITED


def _remove_intermediate(engine: Engine, log: tuple[str, ...]) -> None:
    """Remove the steps of a failed build: they carry no label, so no sweep would find them."""
    made: list[str] = []
    cached = False
    for line in log:
        found = re.match(r" ---> ([0-9a-f]{12})$", line)
        if found and not cached and not _names_base(line, log):
            made.append(found[1])
        cached = line.strip() == "---> Using cache"
    for image in reversed(made):
        with contextlib.suppress(Exception):
            engine.api.remove_image(image)


def _names_base(line: str, log: tuple[str, ...]) -> bool:
    position = log.index(line)
    return position > 0 and " : FROM " in log[position - 1]
