"""Tell from a build's log whose fault its end is: the learner's, the network's, the engine's.

A build fails through text only, so this reads text; what it looks for is what BuildKit, the
classic builder, pip, uv and apt print. In doubt it is the learner's: a fail can be looked into.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """Why a build ended badly."""

    LEARNER = "the work"
    UNKNOWN_IMAGE = "an image that no registry has"
    IMAGE_UNREACHABLE = "an image that cannot be fetched from here"
    NETWORK = "a download inside the build"
    NEEDS_BUILDKIT = "a feature of BuildKit"
    ENGINE_GONE = "the engine went away"


@dataclass(frozen=True)
class Diagnosis:
    """A cause, and the name that goes with it: the image, or the line that told."""

    cause: Cause
    subject: str = ""


# How Go's and Python's network code word a host that is not reached.
_NETWORK = re.compile(
    r"no such host|temporary failure (?:in name resolution|resolving)|name or service not known"
    r"|could not resolve|failed to lookup address|dns error|i/o timeout|TLS handshake timeout"
    r"|connection refused|connection reset by peer|network is unreachable|no route to host"
    r"|client\.timeout exceeded|request canceled while waiting|context deadline exceeded"
    r"|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError"
    r"|ProxyError|error sending request for url|failed to fetch: `|Unable to fetch some archives"
    r"|proxyconnect|server misbehaving|certificate signed by unknown authority"
    r"|CERTIFICATE_VERIFY_FAILED|Service Unavailable|Bad Gateway|toomanyrequests",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"pull access denied|repository does not exist|manifest unknown|manifest for \S+ not found"
    r"|: not found\s*$",
    re.IGNORECASE,
)
# Lines in which a builder speaks about fetching an image, not a step about itself.
_ABOUT_IMAGE = re.compile(
    r"failed to (?:do request|resolve|fetch|copy|authorize)|failed to solve"
    r"|load metadata for|error getting credentials|registry|pull access|manifest"
    r"|Error response from daemon",
    re.IGNORECASE,
)
_NAMED = (
    re.compile(r"load(?:ing)? metadata for (?P<image>\S+?):?\s*$", re.IGNORECASE),
    re.compile(r"failed to (?:solve|resolve source metadata for)[: ]+(?P<image>[\w./:@-]+):\s"),
    re.compile(r"resolve image config for (?:docker-image://)?(?P<image>\S+)"),
    re.compile(r"Step \d+/\d+ : FROM (?P<image>\S+)"),
)
_STEP_OUTPUT = re.compile(r"^#\d+ \d+\.\d+ ")
_NO_DISTRIBUTION = re.compile(
    r"No matching distribution found for (?P<name>[\w.\[\]=<>!~-]+)"
    r"|Because (?P<uv>[\w.-]+) was not found in the (?:package registry|provided package)"
)
_GONE = re.compile(
    r"Cannot connect to the Docker daemon|error reading from server: EOF"
    r"|transport is closing|error during connect|failed to dial gRPC",
    re.IGNORECASE,
)
_BUILDKIT_ONLY = re.compile(
    r"requires BuildKit|--mount option requires|the --chmod option requires"
)


def diagnose(log: Sequence[str]) -> Diagnosis:
    """Return why the build with this log failed."""
    builder = [line for line in log if not _STEP_OUTPUT.match(line)]
    if any(_GONE.search(line) for line in builder[-10:]):
        return Diagnosis(Cause.ENGINE_GONE)
    if any(_BUILDKIT_ONLY.search(line) for line in builder):
        return Diagnosis(Cause.NEEDS_BUILDKIT)
    return _about_an_image(builder) or _about_a_download(log) or Diagnosis(Cause.LEARNER)


def _about_an_image(builder: Sequence[str]) -> Diagnosis | None:
    """Return the diagnosis where the builder failed to get an image that a FROM names."""
    for line in builder[-15:]:
        if not _ABOUT_IMAGE.search(line):
            continue
        if _NETWORK.search(line):
            return Diagnosis(Cause.IMAGE_UNREACHABLE, _image(builder))
        if _ABSENT.search(line) and "COPY" not in line and "ADD" not in line:
            return Diagnosis(Cause.UNKNOWN_IMAGE, _image(builder))
    return None


def _image(builder: Sequence[str]) -> str:
    """Return the image whose fetching failed, as far as the log names it."""
    failed = [line for line in builder if "ERROR" in line or "failed to" in line]
    for line in (*failed, *reversed(builder)):
        for pattern in _NAMED:
            if found := pattern.search(line):
                return found["image"].removeprefix("docker.io/library/").removeprefix("docker.io/")
    return "the base image"


def _about_a_download(log: Sequence[str]) -> Diagnosis | None:
    """Return the diagnosis where the step that failed speaks of a network that is not there."""
    step = failed_step(log)
    for line in step.output if step else log:
        if _NETWORK.search(line):
            return Diagnosis(Cause.NETWORK, strip_progress(line))
    return None


def missing_distribution(log: Sequence[str]) -> str:
    """Return the Python distribution that an installer did not find in any index, or nothing."""
    for line in log:
        if found := _NO_DISTRIBUTION.search(line):
            return found["name"] or found["uv"]
    return ""


def strip_progress(line: str) -> str:
    """Return a line of a step's output without BuildKit's `#7 1.234 ` before it."""
    return _STEP_OUTPUT.sub("", line).strip()


@dataclass(frozen=True)
class Step:
    """The step of a build that failed: its instruction, and what it printed."""

    instruction: str
    output: tuple[str, ...]


def failed_step(log: Sequence[str]) -> Step | None:
    """Return the step that ended the build, as far as BuildKit's plain progress names it."""
    for line in reversed(log):
        if failed := re.match(r"#(?P<vertex>\d+) ERROR: ", line):
            vertex = f"#{failed['vertex']} "
            own = [other.removeprefix(vertex) for other in log if other.startswith(vertex)]
            output = [text for text in own if re.match(r"\d+\.\d+ ", text)]
            return Step(
                instruction=re.sub(r"^\[[^\]]*\] ", "", own[0]),
                output=tuple(text.partition(" ")[2].strip() for text in output),
            )
    return None


def bases(log: Sequence[str]) -> tuple[str, ...]:
    """Return the images that the builder said it builds on, as the engine names them."""
    named = []
    for line in log:
        found = re.search(r"\[internal\] load metadata for (\S+)", line) or re.search(
            r"^Step \d+/\d+ : FROM (?:--\S+ )*(\S+)", line
        )
        if found:
            named.append(found[1])
    return tuple(dict.fromkeys(named))
