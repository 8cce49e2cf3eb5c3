"""How the checks of a lab fail on its mistakes, recorded: `python -m tests.support.failures LAB`.

Grading the mistakes of one lab takes minutes, choosing a hint for each none. So what the checks
said is kept as data, and made again with the command above where mistakes or messages change.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scaffolder import workspace
from scaffolder.grading.grader import grade
from scaffolder.labs import catalog
from scaffolder.labs.answers import read_wrong_answers
from scaffolder.labs.generate import build_state
from scaffolder.model import CheckResult, Evidence, Lab, Mistake, Outcome, Report, Verdict

FOLDER = Path(__file__).parent.parent / "failures"
# What hints look at is in the first finding and the last lines; others name a machine's images.
_FINDINGS = 1
_LINES = 4


class Failed(msgspec.Struct, frozen=True):
    """A mistake and the checks that failed because of it, by task."""

    mistake: str
    tasks: dict[str, tuple[CheckResult, ...]]


def read(lab_id: str) -> tuple[Failed, ...]:
    """Return what was recorded of a lab."""
    return msgspec.json.decode((FOLDER / f"{lab_id}.json").read_bytes(), type=tuple[Failed, ...])


def record(lab: Lab, mistakes: tuple[Mistake, ...]) -> Iterator[Failed]:
    """Grade the mistakes of a lab, of each the tasks that it fails."""
    for mistake in mistakes:
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work"
            build_state(lab, f"mistake:{mistake.id}", {}, work)
            only = [
                task.id for task in lab.tasks if {one.id for one in task.checks} & {*mistake.fails}
            ]
            yield Failed(mistake.id, _failed(grade(lab, workspace.find_workspace(work), only=only)))


def _failed(report: Report) -> dict[str, tuple[CheckResult, ...]]:
    told = {
        task.id: tuple(
            _shortened(one) for one in task.checks if one.verdict.outcome is Outcome.FAIL
        )
        for task in report.tasks
    }
    return {task: checks for task, checks in told.items() if checks}


def _shortened(result: CheckResult) -> CheckResult:
    said = result.verdict
    evidence = said.evidence or Evidence()
    # Where a machine keeps its temporary files is another place everywhere.
    lines = [line for line in evidence.log if f"{tempfile.gettempdir()}/" not in line]
    findings = [msgspec.structs.replace(one, path=None) for one in said.findings[:_FINDINGS]]
    verdict = Verdict(
        said.outcome,
        said.message,
        tuple(findings),
        Evidence(actual=evidence.actual, log=tuple(lines[-_LINES:])),
    )
    return CheckResult(result.id, result.kind, verdict, seconds=0)


def main() -> None:
    """Record the labs that are named."""
    for lab_id in sys.argv[1:]:
        lab = catalog.load_lab(lab_id)
        recorded = tuple(record(lab, read_wrong_answers(lab).mistakes))
        text = msgspec.json.format(msgspec.json.encode(recorded), indent=1)
        (FOLDER / f"{lab_id}.json").write_bytes(text + b"\n")


if __name__ == "__main__":
    main()
