"""When a red step says something about this machine and not about the learner's work.

A rehearsal has no network and not every action. What a step prints is the learner's to choose, so
words alone excuse nothing: the kernel must have counted an attempt to reach the network, and a
stand-in must have reported what it cannot do.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from scaffolder import sandbox
from scaffolder.tools.act import Step

# How a step says that this machine, not the learner, is at fault.
NOT_HERE = re.compile(r"devlab has no local equivalent of ([^\n]+)")

# What steps print when they want the network, which a rehearsal has not got.
_NO_NETWORK = re.compile(
    r"Could not resolve host|Temporary failure in name resolution|Name or service not known"
    r"|[Nn]etwork is unreachable|NewConnectionError|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)"
    r"|unable to resolve host address|NameResolutionError|[Ff]ailed to lookup address"
    r"|[Nn]etwork connectivity is disabled|(?:needs|requires) to be downloaded"
    r"|Cannot connect to the Docker daemon|failed to connect to the docker API"
)

# Runs a command and keeps what the kernel counted in its network namespace. act itself looks for
# its own address whenever it starts, so what that alone counts is kept first.
_COUNTING = """
count() { cat /proc/net/snmp /proc/net/snmp6 > "$DEVLAB_COUNTERS/$1" 2>/dev/null; }
"$1" --list > /dev/null 2>&1; count start
"$@"; code=$?; count end
exit $code
"""
# Without a route every attempt is refused at once. A resolver on loopback is asked in vain.
# https://docs.kernel.org/networking/snmp_counter.html
_ATTEMPTS = {"Ip:": "OutNoRoutes", "Udp:": "NoPorts"}
_ATTEMPTS_6 = frozenset({"Ip6OutNoRoutes", "Udp6NoPorts"})


@dataclass(frozen=True)
class Witnesses:
    """What bears out a step's words: whether anything `reached_out` to the network, and what
    stand-ins reported as `lacking`."""

    reached_out: bool
    lacking: frozenset[str]

    def excuse(self, step: Step) -> str:
        """Return why a failed step is this machine's fault, nothing where it is not."""
        text = "\n".join(step.log)
        for found in NOT_HERE.finditer(text):
            if found[1].strip() in self.lacking:
                return (
                    f"the step {step.name!r} cannot be rehearsed: devlab has no local equivalent "
                    f"of {found[1].strip()}"
                )
        wanted = _NO_NETWORK.search(text)
        if wanted and self.reached_out:
            line = next(line.strip() for line in step.log if wanted[0] in line)
            return (
                f"the step {step.name!r} of the job {step.job_id} wants the network, and "
                f"rehearsals have none: {line}"
            )
        return ""


def counting(argv: list[str]) -> list[str]:
    """Return the command that runs act's `argv` and counts into the folder DEVLAB_COUNTERS."""
    return ["/bin/sh", "-c", _COUNTING, "sh", *argv]


def witnesses(counters: Path, lacking: Path) -> Witnesses:
    """Read what a rehearsal left: the folders of `counting` and of the stand-ins' reports."""
    reports = (path.read_text("utf-8", errors="replace") for path in lacking.iterdir())
    return Witnesses(_reached_out(counters), frozenset(report.strip() for report in reports))


def _reached_out(counters: Path) -> bool:
    """Whether a step's attempt was counted; true where nobody can tell."""
    start, end = (_counted(counters / name) for name in ("start", "end"))
    if not sandbox.isolated() or start is None or end is None:
        return True
    return end > 2 * start


def _counted(file: Path) -> int | None:
    """Return how many attempts to reach somebody were in vain, None where it was not counted."""
    if not file.is_file():
        return None
    rows = [line.split() for line in file.read_text("utf-8", errors="replace").splitlines() if line]
    found = [int(row[1]) for row in rows if row[0] in _ATTEMPTS_6]
    for names, values in itertools.pairwise(rows):
        counter = _ATTEMPTS.get(names[0], "")
        if values[0] == names[0] and counter in names:
            found.append(int(values[names.index(counter)]))
    return sum(found) if found else None
