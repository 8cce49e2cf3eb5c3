"""Tell from a build's log whose fault its end is: the learner's, the network's, the engine's.

A build fails through text only, so this reads text; what it looks for is what BuildKit, the
classic builder, pip, uv and apt print. In doubt it is the learner's: a fail can be looked into.
What a step prints, and what is quoted of a Dockerfile, is never taken for a builder's word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from scaffolder.tools.engine import machine
from scaffolder.tools.engine.buildlog import find_failed_step, list_builder_lines, strip_command
from scaffolder.tools.network import names_failure


class FailureCause(Enum):
    """Why a build ended badly."""

    LEARNER = "the work"
    UNKNOWN_IMAGE = "an image that no registry has"
    IMAGE_UNREACHABLE = "an image that cannot be fetched from here"
    NETWORK = "a download inside the build"
    NEEDS_BUILDKIT = "a feature of BuildKit"
    BUILDER_TOO_OLD = "a feature that this builder is too old for"
    ENGINE_GONE = "the engine went away"
    MACHINE = "trouble of the engine's machine"


@dataclass(frozen=True)
class Diagnosis:
    """A cause, and the name that goes with it: the image, or the line that told."""

    cause: FailureCause
    subject: str = ""


# What registries and indexes say besides, where it is not the work's doing.
_SERVICE = re.compile(
    r"client\.timeout exceeded|request canceled while waiting|context deadline exceeded"
    r"|error sending request for url|failed to fetch: `|Unable to fetch some archives"
    r"|server misbehaving|certificate signed by unknown authority"
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
# Programs that load something from a network, as the instruction that failed names them.
_DOWNLOADER = re.compile(
    r"(?<![\w.-])(?:pip[\d.]*|uvx?|pipx|poetry|pdm|pipenv|hatch|conda|mamba|apt|apt-get|aptitude|apk"
    r"|dnf|yum|microdnf|npm|npx|pnpm|yarn|curl|wget|git|go|cargo|gem|https?://\S+)(?![\w.-])"
)
# Lines that only such a program prints, also where a script of the learner's called it.
_DOWNLOADER_SAYS = re.compile(
    r"WARNING: Retrying \(Retry\(|Could not fetch URL http|failed to fetch: `|Failed to fetch http"
    r"|Unable to fetch some archives|^(?:W:|E:|Err:\d+) |curl: \(\d+\)|wget: |npm (?:ERR!|error)"
    r"|fatal: unable to access",
    re.IGNORECASE,
)
# What may stand before the very words, which else could be part of a name.
_BEFORE = (
    r"(?:(?:#\d+ )?ERROR: |failed to \w+(?: status| with frontend \S+)?: "
    r"|rpc error: code = \w+ desc = |[a-z]+: |dockerfile parse error (?:on )?line \d+: )*"
)
_GONE = re.compile(
    _BEFORE + r"(?:Cannot connect to the Docker daemon|error reading from server: EOF"
    r"|transport is closing|error during connect|failed to dial gRPC)",
    re.IGNORECASE,
)
_BUILDKIT_ONLY = re.compile(_BEFORE + r"(?:the )?--[\w-]+ option requires", re.IGNORECASE)
_QUOTE = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_NO_SUCH_FILE = re.compile(r"cache key: .*\"[^\"]*\"(?: not found)?: not found$")
# Flags that came with later versions of the Dockerfile's language, which builders of before refuse:
# https://docs.docker.com/build/buildkit/dockerfile-release-notes/
_LATER_FLAG = re.compile(
    _BEFORE + r"unknown flag: (?:--)?(?P<flag>link|parents|exclude|checksum|keep-git-dir|unpack"
    r"|start-interval|security|device|mount|network|chmod)\b",
    re.IGNORECASE,
)


def diagnose_build(log: Sequence[str]) -> Diagnosis:
    """Return why the build with this log failed."""
    builder = list_builder_lines(log)
    if any(_GONE.match(line) for line in builder[-10:]):
        return Diagnosis(FailureCause.ENGINE_GONE)
    if any(_BUILDKIT_ONLY.match(line) for line in builder):
        return Diagnosis(FailureCause.NEEDS_BUILDKIT)
    for line in builder[-5:]:
        if machine.recognize_trouble(line):
            return Diagnosis(FailureCause.MACHINE, line)
    for line in builder[-5:]:
        if later := _LATER_FLAG.match(line):
            return Diagnosis(FailureCause.BUILDER_TOO_OLD, f"--{later['flag']}")
    return (
        _about_an_image(builder, log) or _about_a_download(log) or Diagnosis(FailureCause.LEARNER)
    )


def _about_an_image(builder: Sequence[str], log: Sequence[str]) -> Diagnosis | None:
    """Return the diagnosis where the builder failed to get an image that a FROM names."""
    for line in builder[-15:]:
        if not _ABOUT_IMAGE.search(line) or _NO_SUCH_FILE.search(line):
            continue
        if _names_network(_QUOTE.sub("", line)):
            return Diagnosis(FailureCause.IMAGE_UNREACHABLE, _image(builder, log))
        if _ABSENT.search(line) and "COPY" not in line and "ADD" not in line:
            return Diagnosis(FailureCause.UNKNOWN_IMAGE, _image(builder, log))
    return None


def _image(builder: Sequence[str], log: Sequence[str]) -> str:
    """Return the image whose fetching failed, as far as the log names it."""
    failed = [line for line in builder if "ERROR" in line or "failed to" in line]
    for line in (*failed, *reversed(log)):
        for pattern in _NAMED:
            if found := pattern.search(line):
                return found["image"].removeprefix("docker.io/library/").removeprefix("docker.io/")
    return "the base image"


def _about_a_download(log: Sequence[str]) -> Diagnosis | None:
    """Return the diagnosis where the step that failed could not load something from a network.

    That somebody prints "connection refused" does not do: it must be a step that downloads, or a
    line as a downloader prints it.
    """
    step = find_failed_step(log)
    if step is None:
        return None
    downloads = bool(_DOWNLOADER.search(step.instruction))
    for line in (*step.output, strip_command(step.error)):
        if _names_network(line) and (downloads or _DOWNLOADER_SAYS.search(line)):
            return Diagnosis(FailureCause.NETWORK, line)
    return None


def _names_network(line: str) -> bool:
    return names_failure(line) or _SERVICE.search(line) is not None
