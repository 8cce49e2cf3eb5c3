"""Proofs of labs for a person at a terminal: what is broken, then a table of what holds."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Outcome, Problem
from scaffolder.model.proofs import OUTCOMES, CaseResult, Fate, LabProof, Stage
from scaffolder.report.terminal import WIDTH, choose_mark

_WORDS = {
    Outcome.PASS: ("every promise holds", "bold green"),
    Outcome.FAIL: ("a promise is broken", "bold red"),
    Outcome.UNAVAILABLE: ("not everything could be tried here", "bold cyan"),
}
# What the table of proofs tells of each lab.
HEADINGS = ("start", "solution", "alternatives", "mistakes", "copies", "mutants", "checks killed")
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def render(proofs: Sequence[LabProof], *, verbose: bool = False) -> str:
    """Return what `draw` would print, as plain text for a file or a pipe."""
    buffer = io.StringIO()
    draw(proofs, Console(file=buffer, width=WIDTH, markup=False, highlight=False), verbose=verbose)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def draw(proofs: Sequence[LabProof], target: Console, *, verbose: bool = False) -> None:
    """Print proofs to a console; `verbose` shows what holds and what killed each wrong answer."""
    for proof in proofs:
        for problem in proof.problems:
            target.print()
            target.print(_problem(proof.lab_id, problem, target))
        for result in proof.results:
            if verbose or result.fate not in (Fate.HOLDS, Fate.EQUIVALENT):
                target.print()
                target.print(_result(proof.lab_id, result, target))
    target.print()
    target.print(_table(proofs, target))
    for proof in proofs:
        words, style = _WORDS[proof.outcome]
        target.print(Text.assemble((f"{proof.lab_id}: ", "bold"), (words, style), _asked(proof)))


def _asked(proof: LabProof) -> str:
    return "" if proof.complete else "  (of what was tried)"


def _problem(lab_id: str, problem: Problem, target: Console) -> RenderableType:
    head = Text.assemble(choose_mark(Outcome.FAIL, target), " ", (_place(lab_id, problem), "bold"))
    return Group(head, *_words(problem))


def _place(lab_id: str, problem: Problem) -> str:
    line = f":{problem.line}" if problem.line else ""
    return sanitize_line(f"{lab_id}/{problem.path}{line}" if problem.path else lab_id)


def _words(problem: Problem) -> list[RenderableType]:
    parts = [Text(sanitize_line(problem.message))]
    if problem.hint:
        parts.append(Text.assemble(("next  ", "bold"), sanitize_line(problem.hint)))
    return [Padding(part, (0, 0, 0, 2), expand=False) for part in parts]


def _result(lab_id: str, result: CaseResult, target: Console) -> RenderableType:
    head = Text.assemble(
        choose_mark(OUTCOMES[result.fate], target),
        " ",
        (sanitize_line(result.case.name), "bold"),
        (f"  {lab_id}, {result.fate.value}, {result.seconds:.1f} s", "dim"),
    )
    parts: list[RenderableType] = [head]
    given = ", ".join(f"{name}={value!r}" for name, value in result.case.variables.items())
    if given:
        parts.append(Text(f"  with {sanitize_line(given)}", style="dim"))
    for problem in result.problems:
        parts.append(Text(f"  {_place(lab_id, problem)}", style="bold"))
        parts += _words(problem)
    if result.killed_by and not result.problems:
        parts.append(Text(f"  failed by {', '.join(result.killed_by)}", style="dim"))
    parts += [_diff_line(line) for line in result.diff.splitlines()]
    return Group(*parts)


def _diff_line(line: str) -> Text:
    return Text(f"  | {sanitize_line(line)}", style=_STYLES.get(line[:1], "dim"))


def _table(proofs: Sequence[LabProof], target: Console) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("lab", overflow="fold")
    for name in HEADINGS:
        table.add_column(name, justify="right")
    for proof in proofs:
        stages = [count_held(proof, stage) for stage in list(Stage)[:-1]]
        killed = f"{sum(bool(names) for names in proof.kills.values())}/{len(proof.kills)}"
        sign = choose_mark(proof.outcome, target)
        table.add_row(sign, proof.lab_id, *stages, describe_mutants(proof), killed)
    return table


def count_held(proof: LabProof, stage: Stage) -> str:
    """Return how many cases of a stage held, of how many; a dash where none was graded."""
    results = proof.of(stage)
    kept = sum(result.fate is Fate.HOLDS for result in results)
    return f"{kept}/{len(results)}" if results else "-"


def describe_mutants(proof: LabProof) -> str:
    """Return how the mutants of a lab ended, in a few words."""
    fates = [result.fate for result in proof.of(Stage.MUTANT)]
    if not fates:
        return "-"
    words = f"{fates.count(Fate.HOLDS)}/{len(fates)} killed"
    for fate in (Fate.EQUIVALENT, Fate.SURVIVED, Fate.BROKEN, Fate.UNGRADED):
        if fate in fates:
            words += f", {fates.count(fate)} {fate.value}"
    return words
