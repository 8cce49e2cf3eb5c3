"""What a check says: one of five outcomes, the reason, and what it rests on."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec


class Outcome(StrEnum):
    """The five words that a check or a task can end with."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"
    ERROR = "error"

    @property
    def graded(self) -> bool:
        """Whether the points of a task with this outcome count at all."""
        return self in (Outcome.PASS, Outcome.FAIL, Outcome.BLOCKED)


class Cause(StrEnum):
    """Why a check could not be run: what the machine lacks, which costs nobody a point, or what the
    work asks for and nothing here can play: that is not shown, and stays in the denominator."""

    MACHINE = "machine"
    WORK = "work"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a verdict rests on.

    `path` is relative to the workspace, `line` counts from 1, `rule` is the id of the rule in the
    tool that knows it, `url` its documentation.
    """

    message: str
    level: Literal["error", "warning", "info"] = "error"
    path: str | None = None
    line: int | None = None
    rule: str | None = None
    url: str | None = None


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was run, what should have happened, what did, and the log lines that matter."""

    ran: str = ""
    expected: str = ""
    actual: str = ""
    log: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What a check says: an outcome, the reason in one sentence, and what it rests on.

    One that is not `lasting` may be another one the next time though nothing has changed, since
    something else than the work had a say: a package index, time. `cause` is set where the outcome
    is `unavailable`, and nowhere else. `because` says what stops this check and can stop others,
    in the same words for all of them: then it is told once.
    """

    outcome: Outcome
    message: str
    findings: tuple[Finding, ...] = ()
    evidence: Evidence | None = None
    hint: str = ""
    lasting: bool = True
    cause: Cause | None = None
    because: str = ""

    @property
    def not_shown(self) -> bool:
        """Whether the work asks for what cannot be run here."""
        return self.outcome is Outcome.UNAVAILABLE and self.cause is Cause.WORK


def passed(message: str, *findings: Finding) -> Verdict:
    """Say that a check holds; `message` names what was seen, not "ok"."""
    return Verdict(Outcome.PASS, message, findings)


def failed(
    message: str,
    *findings: Finding,
    evidence: Evidence | None = None,
    hint: str = "",
    lasting: bool = True,
    because: str = "",
) -> Verdict:
    """Say that a check does not hold; `message` names the cause, `hint` what to do next.

    Where something else than the work may be the cause, it is not `lasting`. `because` is what
    may stop other checks as well, in words that are the same for all.
    """
    return Verdict(Outcome.FAIL, message, findings, evidence, hint, lasting, because=because)


def unavailable(message: str, hint: str = "", cause: Cause = Cause.MACHINE) -> Verdict:
    """Say that this machine cannot judge; `hint` is the command that would mend it.

    Its points leave the denominator, unless the `cause` is the work.
    """
    return Verdict(Outcome.UNAVAILABLE, message, hint=hint, lasting=False, cause=cause)


def not_shown(message: str, hint: str = "") -> Verdict:
    """Say that the work asks for what cannot be run here; `hint` is what would make it count."""
    return unavailable(message, hint, Cause.WORK)
