"""What the commits are that a workflow pins its actions to.

Without asking GitHub the shape of a commit can be judged, and for common actions whether it is one
of their releases: `action_releases.txt` is a copy of their tags. Of any other commit only the shape
is judged, and the verdict says so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffolder.checks.github.workflow_model import Step
from scaffolder.core.lines import split_lines
from scaffolder.model import Finding

_RELEASES = Path(__file__).parent / "action_releases.txt"
_PINNED = re.compile(r"([\w.-]+/[\w.-]+)(?:/\S+)?@([0-9a-f]{40})", re.ASCII)
_VERSION = re.compile(r"\bv?(\d+(?:\.\d+){1,2})\b|\bv(\d+)\b")
_RULE = "impostor-commit"
_IMPOSTOR = "https://docs.zizmor.sh/audits/#impostor-commit"


@dataclass(frozen=True)
class Pins:
    """What can be said about the commits: the `faults`, and in words what is none (`remarks`)."""

    faults: tuple[Finding, ...]
    remarks: tuple[str, ...]


def judge_pins(steps: Iterable[tuple[Step, str]]) -> Pins:
    """Judge the commits that steps pin their actions to; beside each is the text of its file."""
    faults: list[Finding] = []
    remarks: dict[str, None] = {}
    for step, source in steps:
        match = _PINNED.fullmatch(step.uses.strip())
        if match is None:
            continue
        repository, commit = match[1].lower(), match[2]
        claimed = _claimed_version(source, step.line, commit)
        fault, remark = _judge(repository, commit, claimed)
        if fault:
            line, path = step.line, step.path
            faults.append(Finding(fault, path=path, line=line, rule=_RULE, url=_IMPOSTOR))
        if remark:
            remarks[remark] = None
    return Pins(tuple(faults), tuple(remarks))


def _judge(repository: str, commit: str, claimed: str) -> tuple[str, str]:
    """Return what is wrong with a commit, and what is to be said about it beside."""
    shown = f"{repository}@{commit[:12]}"
    owner, version = _commits().get(commit, ("", ""))
    if owner and owner != repository:
        return f"{shown} is {version} of {owner}: {repository} has no such commit", ""
    if owner:
        wrong = claimed and not _is_of(version, claimed)
        return "", f"{shown} is {version}, its comment says {claimed}" if wrong else ""
    known = _releases().get(repository)
    if known is None:
        return "", f"only the shape of {shown} was judged: its releases are not known here"
    if claimed in known:
        return f"{shown} is not {claimed}, as its comment says: that is {known[claimed]}", ""
    return "", f"only the shape of {shown} was judged: it is no release that is known here"


def _is_of(version: str, claimed: str) -> bool:
    return f"{version}.".startswith(f"{claimed}.")


def _claimed_version(source: str, line: int, commit: str) -> str:
    """Return the version that the comment behind a commit names, with a v, or nothing."""
    for text in split_lines(source)[max(line - 1, 0) : line + 20]:
        _, found, after = text.partition(commit)
        if found:
            comment = re.search(r"\s#(.*)", after)
            match = _VERSION.search(comment[1]) if comment else None
            return f"v{match[1] or match[2]}" if match else ""
    return ""


@functools.cache
def _releases() -> Mapping[str, Mapping[str, str]]:
    """Return the commit of each release of each action that is known."""
    found: dict[str, dict[str, str]] = {}
    for repository, version, commit in _rows():
        found.setdefault(repository, {})[version] = commit
    return found


@functools.cache
def _commits() -> Mapping[str, tuple[str, str]]:
    return {commit: (repository, version) for repository, version, commit in _rows()}


def _rows() -> Iterator[tuple[str, str, str]]:
    for line in _RELEASES.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            repository, version, commit = line.split()
            yield repository, version, commit
