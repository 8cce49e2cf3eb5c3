"""Sole owner of zizmor, the static analyser of GitHub workflows."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from scaffolder.core.errors import UnavailableError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Completed, Ending
from scaffolder.tools.versions import ask_version, format_pip_install

Level = Literal["low", "medium", "high"]
DOCUMENTATION = "https://docs.zizmor.sh/audits/"
# What zizmor asks GitHub for, and leaves out with --offline.
ONLINE_AUDITS = (
    "impostor-commit",
    "known-vulnerable-actions",
    "ref-confusion",
    "ref-version-mismatch",
    "stale-action-refs",
)
_CLEAN, _FINDINGS, _NOTHING_READ = 0, range(10, 15), 3


class UnreadableWorkflowError(Exception):
    """What zizmor was given is no workflow or action in its eyes; the message is its reason."""


class Audit(msgspec.Struct, frozen=True):
    """One finding: the audit's id and page, how bad and how sure, what and where (line from 1)."""

    rule: str
    url: str
    severity: str
    confidence: str
    message: str
    path: str
    line: int


def read_version() -> str:
    """Return zizmor's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((_program(), "--version"))


def audit(
    folder: Path,
    *,
    min_severity: Level,
    min_confidence: Level,
    cancel: CancelToken,
    timeout: float,
) -> tuple[Audit, ...]:
    """Audit every workflow and action in `folder`, offline, by zizmor's own rules alone.

    Ignore comments, configuration files and the caller's environment have no say. `timeout` is in
    seconds. Raises UnreadableWorkflowError where a file is not what it should be, UnavailableError
    where zizmor is not installed, RuntimeError where it crashed or hung.
    """
    argv = (
        *(_program(), "--offline", "--no-config", "--no-ignores", "--collect=all"),
        *("--strict-collection", "--no-progress", "--color=never", "--format=json-v1"),
        *(f"--min-severity={min_severity}", f"--min-confidence={min_confidence}", "."),
    )
    home = folder.parent / f"{folder.name}-home"
    home.mkdir(exist_ok=True)
    # TMPDIR: a crashing zizmor leaves a report there.
    env = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath}
    done = processes.run(argv, cwd=folder, env=env, timeout=timeout, cancel=cancel)
    if done.ending is Ending.EXITED and done.returncode in (_CLEAN, *_FINDINGS):
        return _parse(done.stdout)
    if done.ending is Ending.EXITED and done.returncode in (1, _NOTHING_READ):
        raise UnreadableWorkflowError(_reason(done))
    raise RuntimeError(f"zizmor {done.ending.value}, code {done.returncode}: {done.tail(5)}")


def _program() -> str:
    beside = sysconfig.get_path("scripts")
    found = shutil.which("zizmor", path=beside) or shutil.which("zizmor")
    if found is None:
        raise UnavailableError("zizmor is not installed", fix=(format_pip_install("zizmor"),))
    return found


def _parse(output: str) -> tuple[Audit, ...]:
    audits = [_audit(finding) for finding in msgspec.json.decode(output, type=list[dict[str, Any]])]
    return tuple(sorted(audits, key=lambda audit: (audit.path, audit.line, audit.rule)))


def _audit(finding: Mapping[str, Any]) -> Audit:
    locations = finding["locations"]
    primary = next(
        (place for place in locations if place["symbolic"]["kind"] == "Primary"), locations[0]
    )
    symbolic = primary["symbolic"]
    key = symbolic["key"].get("Local", {})
    return Audit(
        rule=finding["ident"],
        url=finding.get("url") or f"{DOCUMENTATION}#{finding['ident']}",
        severity=finding["determinations"]["severity"].lower(),
        confidence=finding["determinations"]["confidence"].lower(),
        message=f"{finding['desc']}: {symbolic['annotation']}",
        path=str(key.get("verbatim_path") or "").removeprefix("./"),
        line=primary["concrete"]["location"]["start_point"]["row"] + 1,
    )


def _reason(done: Completed) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = [line for line in lines if "failed to" in line or line[:1].isdigit()]
    return (told or lines or ["no reason given"])[-1]
