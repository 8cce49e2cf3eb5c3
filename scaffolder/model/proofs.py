"""The words of proving a lab as frozen values: cases, what became of them, a lab's proof."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from scaffolder.model import Outcome, Problem


class Stage(StrEnum):
    """The sorts of answers that a lab is proven with, in the order of the author's contract."""

    START = "start"
    SOLUTION = "solution"
    ALTERNATIVE = "alternative"
    MISTAKE = "mistake"
    COPY = "copy"
    MUTANT = "mutant"


class Fate(StrEnum):
    """What became of a case.

    `holds`: the promise was kept (a mutant was killed). `equivalent`: a mutant survived, and its
    author said why that is right. `survived`: one did, unexplained. `broken`: a promise was broken.
    `ungraded`: something that the checks need is missing on this machine.
    """

    HOLDS = "holds"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"
    BROKEN = "broken"
    UNGRADED = "ungraded"


# What each fate is to somebody who only asks whether the lab is sound.
OUTCOMES: Mapping[Fate, Outcome] = {
    Fate.HOLDS: Outcome.PASS,
    Fate.EQUIVALENT: Outcome.PASS,
    Fate.SURVIVED: Outcome.FAIL,
    Fate.BROKEN: Outcome.FAIL,
    Fate.UNGRADED: Outcome.UNAVAILABLE,
}


class Case(msgspec.Struct, frozen=True):
    """One answer to grade. `state` is what `devlab lab render --state` takes; `name` is unique.

    `variables` differ from the template's defaults in one case of the solution; `learner` is whose
    lab it is, where the lab varies; `operator` is set for mutants.
    """

    stage: Stage
    state: str
    name: str
    variables: Mapping[str, str] = {}
    operator: str = ""
    learner: str = ""


class CaseResult(msgspec.Struct, frozen=True):
    """What became of a case, in how many seconds, and which checks failed it.

    `outcomes` maps the id of every check that ran to how it ended; `diff` shows a survivor;
    `remembered` says that it was graded before and nothing that decides has changed. `digest` is
    that of all that decides about it but for the machine's tools, for a ledger.
    """

    case: Case
    fate: Fate
    seconds: float
    problems: tuple[Problem, ...] = ()
    killed_by: tuple[str, ...] = ()
    outcomes: Mapping[str, Outcome] = {}
    diff: str = ""
    remembered: bool = False
    digest: str = ""


class LabProof(msgspec.Struct, frozen=True):
    """What proving a lab came to.

    `problems` are those of the lab as a whole: its files, its words, checks that nothing kills.
    `kills` maps every check to the names of the cases that failed it. `digest` is that of the
    lab's and its template's content. `accepted` maps the mutants that the author calls equivalent
    to the reason. `complete` says that no case was left out by request.
    """

    lab_id: str
    lab_version: str
    digest: str
    results: tuple[CaseResult, ...]
    problems: tuple[Problem, ...]
    kills: Mapping[str, tuple[str, ...]]
    seconds: float
    accepted: Mapping[str, str] = {}
    complete: bool = True

    def of(self, stage: Stage) -> tuple[CaseResult, ...]:
        return tuple(result for result in self.results if result.case.stage is stage)

    @property
    def outcome(self) -> Outcome:
        """FAIL where a promise is broken, else UNAVAILABLE where one could not be tried here."""
        outcomes = {OUTCOMES[result.fate] for result in self.results}
        if self.problems or Outcome.FAIL in outcomes:
            return Outcome.FAIL
        return Outcome.UNAVAILABLE if Outcome.UNAVAILABLE in outcomes else Outcome.PASS


class CaseStarted(msgspec.Struct, frozen=True):
    """A case began; `total` is how many there are in all, over all labs."""

    lab_id: str
    case: Case
    total: int


class CaseEnded(msgspec.Struct, frozen=True):
    lab_id: str
    result: CaseResult
    total: int


ProofEvent = CaseStarted | CaseEnded
