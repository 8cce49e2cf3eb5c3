"""Build with the classic builder, through the SDK, which knows no other.

It is what is left where no docker command can BuildKit: slower, and without `RUN --mount`.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scaffolder.core.lines import split_lines
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, translate_engine_errors
from scaffolder.tools.processes import CancelToken, Ending

OUTPUT_LIMIT = 8 * 1024 * 1024
_TICK = 0.1
_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
# What a step may use; no swap. Compilers need a lot.
_MEMORY = 4 * 1024**3
_IMAGE_ID = re.compile(r"Successfully built ([0-9a-f]{12,64})")


@dataclass(frozen=True)
class BuildJob:
    """What to build, from what, within which bounds."""

    engine: Engine
    folder: Path
    run_id: str
    timeout: float
    cancel: CancelToken
    dockerfile: str
    target: str


@dataclass(frozen=True)
class BuildOutcome:
    """How an attempt ended; `image_id` is empty where it came to no image."""

    image_id: str
    log: tuple[str, ...]
    ending: Ending
    builder: Literal["buildkit", "classic"]


def build_classic(job: BuildJob) -> BuildOutcome:
    """Build through the SDK, which knows only the classic builder, and stream what it says."""
    try:
        return _built(job)
    except (UnicodeError, re.error, TypeError, ValueError, *_NO_FILE) as error:
        # What the SDK cannot pack: a .dockerignore that is no text, a name that is none.
        return BuildOutcome("", (f"ERROR: {error}",), Ending.EXITED, "classic")


def _built(job: BuildJob) -> BuildOutcome:
    with translate_engine_errors():
        stream = job.engine.api.build(
            path=str(job.folder),
            dockerfile=job.dockerfile,
            rm=True,
            forcerm=True,
            labels={RUN_LABEL: job.run_id},
            target=job.target or None,
            container_limits={"memory": _MEMORY, "memswap": _MEMORY},
            decode=True,
        )
        log, ending = _follow(stream, job)
    built = [found[1] for line in log if (found := _IMAGE_ID.match(line)) and found[1]]
    if ending is Ending.EXITED and built and not any(line.startswith("ERROR") for line in log):
        return BuildOutcome(_full_id(job.engine, built[-1]), log, ending, "classic")
    _remove_intermediate(job.engine, log)
    return BuildOutcome("", log, ending, "classic")


def _full_id(engine: Engine, short: str) -> str:
    with translate_engine_errors():
        return str(engine.api.inspect_image(short)["Id"])


def _follow(stream: Iterable[dict[str, Any]], job: BuildJob) -> tuple[tuple[str, ...], Ending]:
    """Read a build's messages until it ends or a bound is hit.

    A read from the engine cannot be interrupted, so it has a thread of its own; what ends it is
    the end of the container in which the step runs.
    """
    messages: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(stream, messages), daemon=True).start()
    lines: list[str] = []
    ending = _collect(messages, lines, job)
    if ending is not Ending.EXITED or job.cancel.cancelled:
        _stop_step(job.engine, lines)
    job.cancel.raise_if_cancelled()
    return tuple(lines), ending


def _read(stream: Iterable[dict[str, Any]], messages: queue.SimpleQueue[str | None]) -> None:
    from docker.errors import APIError  # slow to import

    try:
        for message in stream:
            if problem := message.get("error"):
                # On one line, the last: it may quote an instruction that has several.
                messages.put(f"ERROR: {' '.join(str(problem).split())}")
            else:
                messages.put(message.get("stream") or message.get("status") or "")
    except APIError as error:
        # The engine refuses to begin: it cannot parse the Dockerfile.
        messages.put(f"ERROR: {' '.join(str(error.explanation or error).split())}")
    except Exception as error:  # noqa: BLE001 -- whatever ends the stream is told by the log
        messages.put(f"ERROR: error during connect: {error}")
    finally:
        messages.put(None)


def _collect(messages: queue.SimpleQueue[str | None], lines: list[str], job: BuildJob) -> Ending:
    left = OUTPUT_LIMIT
    deadline = time.monotonic() + job.timeout
    while not job.cancel.cancelled:
        if time.monotonic() >= deadline:
            return Ending.TIMED_OUT
        try:
            text = messages.get(timeout=_TICK)
        except queue.Empty:
            continue
        if text is None:
            return Ending.EXITED
        left -= len(text)
        lines.extend(split_output(text))
        if left <= 0:
            return Ending.TOO_MUCH_OUTPUT
    return Ending.EXITED


def split_output(output: str) -> tuple[str, ...]:
    """Return the lines of what a builder printed, without those that are empty.

    Only a newline begins one: behind any other character that Python takes for an end of a line, a
    step could print what would look like the builder's own.
    """
    return tuple(line.rstrip() for line in split_lines(output) if line.strip())


def _stop_step(engine: Engine, lines: list[str]) -> None:
    """Remove the container of the step that runs, by the id that the log gives it."""
    running = [found[1] for line in lines if (found := re.match(r" ---> Running in (\w+)", line))]
    if running:
        with contextlib.suppress(Exception):
            engine.api.remove_container(running[-1], force=True, v=True)


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
